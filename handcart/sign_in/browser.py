"""The browser that sent a call, and its session at one audience."""

from handcart.core import clock
from handcart.core.secret import matches, new_token
from handcart.core.web.browser import Browser, form_expired
from handcart.core.web.call import Call
from handcart.core.web.pages import LOCALES_WITH_SPANISH
from handcart.sign_in.models import CUSTOMER, Audience, SignedIn

_COOKIE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_DEVICE_SECONDS = 365 * 86400
# In this order, because most browsers also name the browsers that they are compatible with.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class SessionBrowser(Browser):
    """A browser on the pages of one audience. A browser without a session cookie gets one with the response.

    `session` is the value of that cookie, also before sign-in: it binds forms and pending requests to the browser.
    """

    def __init__(self, call: Call, audience: Audience) -> None:
        if audience == CUSTOMER:
            self.locales = LOCALES_WITH_SPANISH
        super().__init__(call)
        self._audience = audience
        given = self.cookie(audience.cookie, audience.path)
        self.is_known = len(given) == 43 and _COOKIE_CHARACTERS.issuperset(given)
        if self.is_known:
            self.session = given
        else:
            self._use(new_token())

    def credentials(self, form: dict[str, str]) -> dict[str, str]:
        """E-mail, password, address and cookies of a posted sign-in form."""
        return {
            "email": form.get("email", ""),
            "password": form.get("password", ""),
            "address": self.call.address,
            "session": self.session,
            "device": self.cookie(self._audience.device_cookie, self._audience.path),
        }

    def start_session(self, signed_in: SignedIn) -> None:
        """Set the cookies of a sign-in with the response."""
        self._use(signed_in.session)
        if signed_in.device:
            self.set_cookie(self._audience.device_cookie, signed_in.device, self._audience.path, _DEVICE_SECONDS)

    def forget_session(self) -> None:
        """Replace the session cookie by one that is not signed in."""
        self._use(new_token())

    @property
    def name(self) -> str:
        """Browser and system, such as `Firefox on Windows`, for lists of sessions; empty if both are unknown."""
        user_agent = self.call.header(b"user-agent") or ""
        browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
        system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
        return " on ".join(filter(None, (browser, system)))

    def form_token(self, *subject: str) -> str:
        """The token for a form about `subject` in this session."""
        return self.call.app.keys.form_token(self.session, *subject)

    def check_form(self, form: dict[str, str], *subject: str) -> None:
        """Refuse a form whose token was not made for this session and subject."""
        if not self.brings(form, *subject):
            raise form_expired()

    def brings(self, form: dict[str, str], *subject: str) -> bool:
        """Whether a form has the token made for this session and subject."""
        return self.is_known and matches(form.get("form_token", ""), self.form_token(*subject))

    def _use(self, session: str) -> None:
        self.session = session
        self.is_known = False
        seconds = self._audience.absolute // clock.SECOND if self._audience.keeps_cookie else None
        self.set_cookie(self._audience.cookie, session, self._audience.path, seconds)
