"""Webhooks as records: listed, made, deleted."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskhub.testing.crm.pipedrive.answers import failed, fine

LIMIT = 40
NEEDED = ("subscription_url", "event_action", "event_object")
KEPT = (*NEEDED, "version", "http_auth_user", "http_auth_password", "name")


async def listed(request: Request) -> Response:
    """Passwords are not shown."""
    hooks = request.state.fake.state.hooks.values()
    hidden = {"http_auth_password", "strikes", "banned_until"}
    return fine([{name: value for name, value in hook.items() if name not in hidden} for hook in hooks])


async def made(request: Request) -> Response:
    """One more, if the address answers and there is room."""
    fake, body = request.state.fake, await request.json()
    if missing := [name for name in NEEDED if not body.get(name)]:
        return failed(400, f"{', '.join(missing)} missing")
    if not fake.reachable:
        return JSONResponse({"errors": {"subscription_url": ["invalid or non-reachable URL"]}}, 400)
    if len(fake.state.hooks) >= LIMIT:
        return failed(422, "Webhooks limit reached")
    id = fake.state.number()
    kept = {name: body.get(name) for name in KEPT}
    own = {"id": id, "company_id": fake.state.company, "user_id": fake.state.robot, "is_active": 1, "type": "general"}
    fake.state.hooks[id] = {**kept, **own, "strikes": 0, "banned_until": None}
    return fine({**kept, **own}, 201)


async def deleted(request: Request) -> Response:
    """One fewer."""
    gone = request.state.fake.state.hooks.pop(request.path_params["id"], None)
    return fine({"id": gone["id"]}) if gone else failed(404, "Webhook not found")
