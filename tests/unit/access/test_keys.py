from taskhub.access import keys


def test_a_new_key_is_found_again_by_what_was_stored() -> None:
    id_, key, stored = keys.new_key()
    sent = keys.parse(f"Bearer {key}")
    assert sent is not None
    assert sent.id == id_
    assert keys.matches(sent.secret, stored)
    assert not keys.matches(keys.new_key()[1][-64:], stored)
    assert key not in stored


def test_no_stored_key_matches_nothing() -> None:
    assert not keys.matches("0" * 64, None)


def test_only_the_one_form_is_read() -> None:
    _, key, _ = keys.new_key()
    for bad in (
        None,
        "",
        key,
        f"Basic {key}",
        f"Bearer {key}x",
        f"Bearer {key[:-1]}",
        "Bearer",
        "Bearer th_live__",
        f"Bearer {key} {key}",
    ):
        assert keys.parse(bad) is None, bad
    assert keys.parse(f"bearer {key}")
