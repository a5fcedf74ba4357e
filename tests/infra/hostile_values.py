"""Values that no setting may have. Each rule: the whole reason, and what it has to catch.

A row is key, value and what the command that is proposed sets the key to. Four rows a rule at most.
"""

MEGABYTE = 1_000_000
NONE = "''"

Row = tuple[str, str, str]

RULES: dict[str, list[Row]] = {
    "must be a whole number, written with the digits 0 to 9 alone": [
        ("backendPort", "+80", "8000"),
        ("pgadminPort", "8_000", "5050"),
        ("portOffset", "\uff11\uff12\uff13", "0"),  # digits to Python, and to people
        ("maxBodyBytes", "1e6", "1048576"),
    ],
    "Input should be greater than or equal to 1": [
        ("requestTimeout", "0", "15"),
        ("draftLifetimeDays", "-7", "7"),
        ("readsPerMinute", "-1", "200"),
        ("databasePort", "0", NONE),
    ],
    "Input should be less than or equal to 65535": [
        ("pgadminPort", "65536", "5050"),
        ("grafanaPort", "4294975296", "3000"),  # 8000 for a counter of 32 bits
        ("databasePort", "70000", NONE),
    ],
    "Input should be less than or equal to 60000": [("portOffset", "60001", "0")],
    "Input should be less than or equal to 3600": [
        ("startTimeout", "86400", "180"),
        ("requestTimeout", "999999999999999999", "15"),
    ],
    "Input should be less than or equal to 365": [("draftLifetimeDays", "36500", "7")],
    "Input should be less than or equal to 1000000000": [
        ("draftsPerHour", "1000000001", "20"),
        ("listsPerMinute", "999999999999999999", "100"),
    ],
    "Input should be less than or equal to 16777216": [
        ("maxBodyBytes", "1099511627776", "1048576")
    ],
    "must be true or false": [
        ("protectData", "yes", "true"),  # `make down` would read it as no
        ("debug", "1", "false"),
        ("grafana", "TRUE", "true"),
        ("hotReload", "on", "false"),
    ],
    "holds a line break, or another character that is not seen": [
        ("corsOrigins", "https://wiki.example\r\nX-Evil: 1", NONE),
        ("ontologyPath", "ontology\0.tar", NONE),
        ("logLevel", "\x1b[2J\x9bINFO", "INFO"),
        ("pgadminEmail", "admin@example.com\u202emoc", "admin@example.com"),
    ],
    "begins or ends with a blank": [
        ("backendPort", " 8080", "8000"),
        ("imageSource", "local ", "registry"),
        ("pgadminEmail", " admin@example.com", "admin@example.com"),
        ("ontologyPath", "../ontology ", NONE),
    ],
    "has 1000000 characters; 4096 are the most": [
        ("backendPort", "9" * MEGABYTE, "8000"),
        ("ontologyPath", "/x" * (MEGABYTE // 2), NONE),
        ("trustedProxies", "1" * MEGABYTE, NONE),
        ("registryMirror", "a" * MEGABYTE, NONE),
    ],
    "Input should be 'registry' or 'local'": [
        ("imageSource", "Local", "registry"),
        ("imageSource", "postgres:latest", "registry"),
        ("imageSource", "", "registry"),
    ],
    "Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'": [
        ("logLevel", "info", "INFO"),
        ("logLevel", "INFO,DEBUG", "INFO"),
        ("logLevel", "$LEVEL", "INFO"),
    ],
    "must look like host[:port][/path], in lower case, without a scheme, 200 characters at most": [
        ("registryMirror", "--privileged", NONE),
        ("registryMirror", "r.example/../../hub", NONE),
        ("registryMirror", "R.example", NONE),
        ("registryMirror", "r.example:65536", NONE),
    ],
    "needs a host with a dot or a port: Docker would take it for a user of Docker Hub": [
        ("registryMirror", "mirror", NONE),
        ("registryMirror", "evil/library", NONE),
    ],
    "must be origins like https://wiki.example, in lower case and without a path, separated by"
    " commas": [
        ("corsOrigins", "*", NONE),
        ("corsOrigins", "https://wiki.example,javascript:alert(1)", NONE),
        ("corsOrigins", "https://Wiki.example", NONE),
        ("corsOrigins", "https://user@wiki.example:99999", NONE),
    ],
    "must not name the scheme's own port: browsers leave it out": [
        ("corsOrigins", "https://wiki.example:443", NONE),
        ("corsOrigins", "http://wiki.example:80", NONE),
    ],
    "must be addresses or networks like 10.0.0.0/8, separated by commas": [
        ("trustedProxies", "10.0.0.0/0.255.255.255", NONE),
        ("trustedProxies", "10.0.0.0/33", NONE),
        ("trustedProxies", "fe80::1%eth0", NONE),
        ("trustedProxies", "10.0.0.0/8,,127.0.0.1", NONE),
    ],
    "10.0.0.1/8 has host bits set: its network is 10.0.0.0/8": [
        ("trustedProxies", "10.0.0.1/8", NONE),
    ],
    "lets everybody say who they are: name the proxies alone": [
        ("trustedProxies", "0.0.0.0/0", NONE),
        ("trustedProxies", "127.0.0.1,::/0", NONE),
        ("trustedProxies", "0.0.0.0/1,128.0.0.0/1", NONE),
    ],
    "Input is not a valid IPv4 address": [
        ("bindAddress", "::1", "127.0.0.1"),
        ("bindAddress", "127.1", "127.0.0.1"),
        ("bindAddress", "0177.0.0.1", "127.0.0.1"),
        ("bindAddress", "127.0.0.1:80", "127.0.0.1"),
    ],
    "is no address that an interface can have; 0.0.0.0 stands for all of them": [
        ("bindAddress", "224.0.0.1", "127.0.0.1"),
        ("bindAddress", "255.255.255.255", "127.0.0.1"),
        ("bindAddress", "0.1.2.3", "127.0.0.1"),
    ],
    "must be an address like admin@example.com; before the @ at most 64 letters (a to z), digits"
    " and . _ % + -": [
        ("pgadminEmail", "Admin <admin@example.com>", "admin@example.com"),
        ("pgadminEmail", "`id`@example.com", "admin@example.com"),
        ("pgadminEmail", "ädmin@example.com", "admin@example.com"),
        ("pgadminEmail", "a" * 65 + "@example.com", "admin@example.com"),
    ],
    "must have cron's five fields (minute hour day month weekday), not 9; names such as @daily are"
    " not known": [("backupSchedule", "* * * * * ; rm -rf /", NONE)],
    "is no cron expression: bad minute": [
        ("backupSchedule", "*/0 * * * *", NONE),
        ("backupSchedule", "\uff10 3 * * *", NONE),
        ("backupSchedule", "1-99999999999999999 * * * *", NONE),
        ("backupSchedule", "$(id) * * * *", NONE),
    ],
    "is no cron expression: bad hour": [("backupSchedule", "0 24 * * *", NONE)],
    "must be a path": [("backupDir", "", ".hub/backups")],
    "value is not a valid email address: The part after the @-sign is not valid. It should have a"
    " period.": [("pgadminEmail", "admin@localhost", "admin@example.com")],
    "value is not a valid email address: Quoting the part before the @-sign is not allowed here.": [
        ("pgadminEmail", '"; rm -rf /"@example.com', "admin@example.com"),
    ],
    "value is not a valid email address: A bracketed IP address after the @-sign is not allowed"
    " here.": [("pgadminEmail", "admin@[127.0.0.1]", "admin@example.com")],
    "value is not a valid email address: The part after the @-sign contains invalid characters:"
    " ',', '@'.": [("pgadminEmail", "a@example.com,b@example.com", "admin@example.com")],
}

SECRETS: dict[str, list[tuple[str, str]]] = {
    "must have 8 to 128 characters": [
        ("postgresPassword", ""),
        ("ownerPassword", "hunter2"),
        ("adminSecret", "x" * 129),
        ("webhookSecret", "x" * MEGABYTE),
    ],
    "may hold the ASCII characters from ! to ~ only": [
        ("appPassword", "hunter2hunter2\n"),
        ("readPassword", "hunter2\0hunter2"),
        ("pgadminPassword", "hünter2hünter2"),
        ("grafanaPassword", "hunter2hunter2 "),
    ],
}


def shown(value: str) -> str:
    """Return a value as the message has it, by the words of the reader: quoted, cut after 60."""
    quoted = "".join(ESCAPED.get(one, one) for one in value[:200])
    quoted = f'"{quoted}"' if "'" in quoted else f"'{quoted}'"
    return quoted if len(value) < 60 else f"{quoted[:60]}... ({len(value)} characters)"


ESCAPED = {"\r": r"\r", "\n": r"\n", "\0": r"\x00", "\x1b": r"\x1b", "\x9b": r"\x9b"}
ESCAPED["\u202e"] = r"\u202e"
