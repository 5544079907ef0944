"""Passwords of eight characters or more that every guesser tries first, in lower case."""

COMMON_PASSWORDS = frozenset(
    """
    password password1 password12 password123 password1234 passw0rd p@ssword p@ssw0rd pa55word passwort
    passwort1 motdepasse contraseña contrasena senha123 12345678 123456789 1234567890 12345678910 0123456789
    987654321 0987654321 87654321 11223344 12341234 123123123 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 qwerty12
    qwerty123 qwerty1234 qwertyui qwertyuiop qwertzui qwertzuiop azertyui azertyuiop asdfghjk asdfghjkl asdf1234
    zxcvbnm1 zaq12wsx q1w2e3r4 q1w2e3r4t5 abcd1234 abc12345 abcdefgh abcdefghi a1b2c3d4 aa123456 a1234567
    iloveyou iloveyou1 iloveyou2 sunshine sunshine1 princess princess1 football football1 baseball baseball1
    basketball superman superman1 batman123 starwars pokemon1 pokemon123 dragon123 monkey123 master123
    michael1 jennifer jessica1 ashley123 charlie1 computer internet whatever trustno1 letmein1 letmein123
    letmeinnow welcome1 welcome12 welcome123 changeme changeme1 changeme123 changeit default1 default123
    administrator admin123 admin1234 admin12345 administrator1 rootroot toor1234 root1234 test1234 testtest
    test12345 testing1 testing123 guest123 guest1234 user1234 demo1234 demodemo secret12 secret123 secret1234
    access14 mustang1 corvette mercedes ferrari1 liverpool chelsea1 arsenal1 barcelona juventus manchester
    november december september february summer2024 summer2025 summer2026 winter2024 winter2025 winter2026
    spring2025 spring2026 autumn2025 autumn2026 google123 facebook facebook1 linkedin github123 riverrun
    riverrun1 riverrun123 correcthorsebatterystaple
    """.split()  # noqa: SIM905
)
