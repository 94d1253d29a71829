"""Who signs in to the demo, and what pays there."""

from dataclasses import dataclass

PASSWORD = "tollgate-demo"  # of the demo alone, and printed by it


@dataclass(frozen=True)
class Login:
    email: str
    name: str
    who: str


FORMOSA_OWNER = Login(
    "formosa@example.com", "陳怡婷 Chen Yi-ting", "owns Formosa Tea Trading (prepaid)"
)
CONTOSO_OWNER = Login(
    "contoso@example.com", "Megan Bowen", "owns Contoso Retail (NCE, billed after use)"
)
STAFF = Login("staff@example.com", "Provider staff", "works for the provider: /admin/")
LOGINS = (FORMOSA_OWNER, CONTOSO_OWNER, STAFF)

TEST_CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0027 6000 3184", "asks for approval (3-D Secure), then pays"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "is declined: insufficient funds"),
)
