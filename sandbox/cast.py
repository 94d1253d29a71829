"""Who is who in the demo: logins, two organisations, their lines, numbers and habits.

Numbers are of ranges kept for fiction where a country has such a range, and plainly
made up where it has none.
"""

from dataclasses import dataclass, field

PROVIDER = "Northline Voice"
PASSWORD = "tollgate-demo"  # of the demo alone, and printed by it
SOURCE = "demo-switch"


@dataclass(frozen=True)
class Login:
    email: str
    name: str
    who: str


@dataclass(frozen=True)
class Extension:
    """A line with its number, and how much of the calling it does."""

    name: str
    identity: str
    number: str
    department: str = ""
    share: int = 1
    kind: str = "person"


@dataclass(frozen=True)
class Habit:
    """A kind of call an organisation makes, so many of a hundred."""

    share: int
    direction: str
    numbers: tuple[str, ...]  # of the far end; `#` is any digit
    typical_seconds: int
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Company:
    name: str
    slug: str
    owner: Login
    country: str
    time_zone: str
    language: str
    billing_email: str
    opened_days_ago: int
    calls_a_day: int
    plans: tuple[tuple[str, int], ...]  # family, licences
    extensions: tuple[Extension, ...]
    toll_free_number: str
    bridge_number: str
    habits: tuple[Habit, ...]


FORMOSA = Company(
    name="Formosa Tea Trading",
    slug="formosa-tea-trading",
    owner=Login(
        "formosa@example.com",
        "陳怡婷 Chen Yi-ting",
        "owns Formosa Tea Trading (prepaid)",
    ),
    country="TW",
    time_zone="Asia/Taipei",
    language="zh-hant",
    billing_email="billing@formosatea.example",
    opened_days_ago=349,
    calls_a_day=84,
    plans=(("phone-system", 6), ("domestic-1200", 5)),
    extensions=(
        Extension(
            "陳怡婷 Chen Yi-ting", "yiting.chen", "+886255550101", "Sales", share=4
        ),
        Extension(
            "林美華 Lin Mei-hua", "meihua.lin", "+886255550102", "Sales", share=3
        ),
        Extension("Kenji Sato", "kenji.sato", "+886255550103", "Export", 3),
        Extension("王志明 Wang Chih-ming", "chihming.wang", "+886255550104", "Export"),
        Extension("張雅筑 Chang Ya-chu", "yachu.chang", "+886255550105", "Accounts"),
        Extension("烏龍會議室 Oolong room", "oolong", "+886255550106", kind="room"),
    ),
    toll_free_number="+886800555010",
    bridge_number="+886255550190",
    habits=(
        Habit(30, "outbound", ("+88625555####", "+886900000###"), 170),
        Habit(17, "outbound", ("+1212555####", "+1415555####"), 420),
        Habit(9, "outbound", ("+8190########",), 230),
        Habit(5, "outbound", ("+813########",), 260),
        Habit(4, "outbound", ("+656#######", "+8522#######"), 240),
        Habit(3, "outbound", ("+442079460###", "+447700900###"), 330),
        Habit(12, "inbound", ("+88625555####",), 190),
        Habit(11, "toll_free", ("+88625555####", "+886900000###"), 290),
        Habit(4, "conference", ("+1212555####", "+8190########"), 1500),
        Habit(5, "internal", (), 110),
    ),
)

CONTOSO = Company(
    name="Contoso Retail",
    slug="contoso-retail",
    owner=Login(
        "contoso@example.com",
        "Megan Bowen",
        "owns Contoso Retail (NCE, billed after use)",
    ),
    country="US",
    time_zone="America/New_York",
    language="en",
    billing_email="billing@contoso.example",
    opened_days_ago=203,
    calls_a_day=64,
    plans=(("phone-system", 5), ("domestic-3000", 4)),
    extensions=(
        Extension("Megan Bowen", "megan.bowen", "+12125550131", "Head office", 3),
        Extension("Alex Wilber", "alex.wilber", "+12125550132", "Stores", 3),
        Extension("Isaiah Langer", "isaiah.langer", "+12125550133", "Stores", 2),
        Extension("Pradeep Gupta", "pradeep.gupta", "+12125550134", "Purchasing"),
        Extension("Reception", "reception", "+12125550135", kind="room"),
    ),
    toll_free_number="+18005550138",
    bridge_number="+12125550190",
    habits=(
        Habit(52, "outbound", ("+1212555####", "+1415555####"), 200),
        Habit(9, "outbound", ("+442079460###",), 340),
        Habit(7, "outbound", ("+525555######",), 260),
        Habit(4, "outbound", ("+81335######",), 300),
        Habit(14, "inbound", ("+1415555####",), 180),
        Habit(9, "toll_free", ("+1312555####",), 240),
        Habit(5, "internal", (), 90),
    ),
)

COMPANIES = (FORMOSA, CONTOSO)
STAFF = Login("staff@example.com", "Northline staff", "works for the provider: /admin/")
LOGINS = (FORMOSA.owner, CONTOSO.owner, STAFF)

TEST_CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0027 6000 3184", "asks for approval (3-D Secure), then pays"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "is declined: insufficient funds"),
)
