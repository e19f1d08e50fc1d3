"""Identifiers that Swift, Kotlin and TypeScript all take, made from names that may hold anything.

There is one identifier for all platforms, so that their packages read alike. It holds letters and digits alone:
whatever else a name holds (quotes, line ends, marks that turn the direction of writing) cannot get into code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from edgepack.sdk.code import Code

_SWIFT = """\
associatedtype class deinit enum extension fileprivate func import init inout internal let open operator private
precedencegroup protocol public rethrows static struct subscript typealias var break case catch continue default
defer do else fallthrough for guard if in repeat return throw switch where while any as await false is nil self
super throws true try actor async convenience dynamic final indirect lazy left mutating none nonmutating optional
override postfix prefix required right some unowned weak willSet didSet get set Any Self Type Protocol"""
_KOTLIN = """\
as break class continue do else false for fun if in interface is null object package return super this throw true
try typealias typeof val var when by catch constructor delegate dynamic field file finally get import init param
property receiver set setparam value where abstract actual annotation companion const crossinline data enum expect
external final infix inline inner internal lateinit noinline open operator out override private protected public
reified sealed suspend tailrec vararg it"""
_TYPESCRIPT = """\
abstract any arguments as asserts async await bigint boolean break case catch class const continue debugger declare
default delete do else enum eval export extends false finally for from function get if implements import in infer
instanceof interface is keyof let module namespace never new null number object of package private protected public
readonly require return set static string super switch symbol this throw true try type typeof undefined unique
unknown using var void while with yield"""
_MEMBERS = """\
constructor prototype hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf clone copy
equals finalize getClass hash hashCode hashValue javaClass notify notifyAll wait description debugDescription encode
then NaN Infinity isNaN isFinite globalThis window self Object row"""
_TYPES = """\
Any AnyObject Array Boolean Bool Bundle Byte Character Class Codable Comparable Context Data Date Decimal Dictionary
Double Equatable Error Exception Float Foundation Function Hashable Identifiable Int Integer Iterable List Long Map
Math MLModel Never Nothing Number Object Optional Pair Promise Protocol Proxy Record Regex Result Self Sendable
Sequence Set Short String Symbol Task Throwable Type Uint8Array Unit URL Void"""
_ANDROID = """\
AfterClass AndroidJUnit4 Answer BeforeClass ByteArray Categories ChronoUnit Closeable Column CompletableFuture
Contract DoubleArray DoubleBuffer Executors File FloatArray FloatBuffer GeneralSecurityException IOException Instant
InstrumentationRegistry IntArray JvmField JvmOverloads JvmStatic LinkedHashMap Locale LongArray MessageDigest
MutableMap Normalizer OnnxTensor OrtEnvironment OrtException OrtLoggingLevel OrtSession ReentrantReadWriteLock Replay
Row RunWith Session StrictJson TermCounter Test Thread Throws TimeUnit VerifyBundle"""
_COMPONENT = re.compile(r"component\d+")  # the members that Kotlin gives to a data class

RESERVED = frozenset(" ".join((_SWIFT, _KOTLIN, _TYPESCRIPT, _MEMBERS)).split())
"""Words that mean something to one of the languages, or to every object of one."""

TYPES = frozenset(f"{_TYPES} {_ANDROID}".split())
"""Types that the generated code or its languages use; a model of that name becomes `<Name>Model`."""

_LONGEST = 60


def words_of(name: str) -> list[str]:
    """The runs of letters and digits in a name: accents taken off, letters of any script kept."""
    kept = [c if _is_letter(c) or c in "0123456789" else " " for c in unicodedata.normalize("NFKD", name) if _stays(c)]
    return unicodedata.normalize("NFC", "".join(kept)).split()


def identifiers(names: Iterable[str], *, nameless: str) -> tuple[Code, ...]:
    """One identifier per name, all different: `Gr Liv Area` gives `grLivArea`, `class` gives `classValue`.

    Args:
        nameless: what a name without a letter or digit is called, before its position (from 1).
    """
    taken: set[str] = set()
    found = []
    for position, name in enumerate(names, 1):
        wanted = _camel(words_of(name)) or f"{nameless}{position}"
        while wanted in RESERVED or _COMPONENT.fullmatch(wanted):  # `hash` becomes Swift's hashValue on its way
            wanted += "Value"
        unique, k = wanted, 2
        while unique in taken:
            unique, k = f"{wanted}N{k}", k + 1
        taken.add(unique)
        found.append(Code(unique))
    return tuple(found)


def type_name(name: str) -> Code:
    """A type's name: `house-prices` gives `HousePrices`."""
    camel = _camel(words_of(name)) or "model"
    found = camel[0].upper() + camel[1:]
    if not found[0].isupper():  # a script without capitals: Swift and Kotlin take it, but a type should look like one
        found = f"Model{found}"
    return Code(f"{found}Model" if found in TYPES else found)


def package_name(name: str) -> Code:
    """A name for a folder or an npm package: lower case ASCII letters and digits, `-` between words."""
    plain = "".join(c for c in " ".join(words_of(name)) if c.isascii())
    return Code("-".join(plain.lower().split())[:_LONGEST].strip("-") or "model")


def _camel(words: list[str]) -> str:
    if not words:
        return ""
    first, *rest = words
    camel = _lower_start(first) + "".join(
        word[0].upper() + word[1:] if len(word[0].upper()) == 1 else word for word in rest
    )
    camel = unicodedata.normalize("NFC", camel)[:_LONGEST]
    return f"x{camel}" if camel[0].isdigit() else camel


def _lower_start(word: str) -> str:
    """`MSSubClass` gives `msSubClass`, `URL` gives `url`, `X1` gives `x1`."""
    capitals = len(word) - len(word.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if capitals > 1 and word[capitals : capitals + 1].islower():
        capitals -= 1
    if capitals:
        return word[:capitals].lower() + word[capitals:]
    lowered = word[0].lower()
    return (lowered if len(lowered) == 1 else word[0]) + word[1:]


def _stays(c: str) -> bool:
    """All but marks above and below letters."""
    return not unicodedata.combining(c)


def _is_letter(c: str) -> bool:
    """A letter in every version of Unicode that the three compilers know: those of ASCII, and long-standing scripts."""
    if c.isascii():
        return c.isalpha()
    settled = "\u00c0" <= c <= "\u058f" or "\u05d0" <= c <= "\u0e7f" or "\u1e00" <= c <= "\u1fff"
    eastern = "\u1100" <= c <= "\u11ff" or "\u3041" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fa5"
    return (settled or eastern or "\uac00" <= c <= "\ud7a3") and unicodedata.category(c) in ("Lu", "Ll", "Lo")
