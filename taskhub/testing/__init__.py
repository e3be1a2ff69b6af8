"""The test kit that ships with taskhub: an organisation in a few lines, a clock you set, a ledger you drain."""
