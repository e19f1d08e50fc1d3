"""The normal distribution, composed of ops that round in float64: within 1e-15 of SciPy, relatively."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgepack.ir.ops import Piecewise, Select
from edgepack.lower.builder import Builder
from edgepack.lower.formula import affine, binary, elementwise, where

SQRT_2_PI = 2.50662827463100050242
EXP_MINUS_2 = 0.13533528323661269189


def ndtri(y: str, b: Builder) -> str:
    """The quantile of the standard normal distribution. Source: Cephes, ndtri.c."""
    is_high = binary("greater", y, 1 - EXP_MINUS_2, b)
    low = where(is_high, affine(y, b, factor=-1.0, offset=1.0), y, b)
    t = affine(low, b, offset=-0.5)
    square = binary("multiply", t, t, b)
    bent = binary("multiply", square, _rational(square, [(NDTRI_P0, NDTRI_Q0)], b), b)
    central = affine(binary("add", t, binary("multiply", t, bent, b), b), b, factor=SQRT_2_PI)
    x = elementwise("sqrt", affine(elementwise("log", low, b), b, factor=-2.0), b)
    z = elementwise("reciprocal", x, b)
    first = binary("subtract", x, binary("divide", elementwise("log", x, b), x, b), b)
    parts = [(NDTRI_P2, NDTRI_Q2), (NDTRI_P1, NDTRI_Q1)]
    second = binary("multiply", z, _rational(z, parts, b, edges=[0.125]), b)
    tail = where(binary("equal", low, 0.0, b), math.inf, binary("subtract", first, second, b), b)
    signed = where(is_high, tail, elementwise("negative", tail, b), b)
    return where(binary("greater", low, EXP_MINUS_2, b), central, signed, b)


def erf(x: str, b: Builder) -> str:
    """The error function. Source: Cephes, ndtr.c."""
    outside = affine(_erfc_beyond_1(elementwise("absolute", x, b), b), b, factor=-1.0, offset=1.0)
    signed = binary("multiply", elementwise("sign", x, b), outside, b)
    return where(binary("greater", elementwise("absolute", x, b), 1.0, b), signed, _erf_below_1(x, b), b)


def erfc(x: str, b: Builder) -> str:
    """`1 − erf(x)` without its cancellation."""
    tail = _erfc_beyond_1(elementwise("absolute", x, b), b)
    mirrored = affine(tail, b, factor=-1.0, offset=2.0)
    outside = where(binary("greater", x, 0.0, b), tail, mirrored, b)
    inside = affine(_erf_below_1(x, b), b, factor=-1.0, offset=1.0)
    return where(binary("greater_equal", elementwise("absolute", x, b), 1.0, b), outside, inside, b)


def ndtr(a: str, b: Builder) -> str:
    """The distribution function of the standard normal distribution."""
    x = affine(a, b, factor=math.sqrt(0.5))
    inside = affine(_erf_below_1(x, b), b, factor=0.5, offset=0.5)
    tail = affine(_erfc_beyond_1(elementwise("absolute", x, b), b), b, factor=0.5)
    outside = where(binary("greater", x, 0.0, b), affine(tail, b, factor=-1.0, offset=1.0), tail, b)
    return where(binary("greater_equal", elementwise("absolute", x, b), 1.0, b), outside, inside, b)


def _rational(
    x: str, parts: Sequence[tuple[Sequence[float], Sequence[float]]], b: Builder, edges: Sequence[float] = ()
) -> str:
    """A ratio of polynomials, another one in each interval; coefficients as in Cephes, the highest power first."""
    width = b.types[x].width
    degree = max(len(polynomial) for part in parts for polynomial in part)
    coef = np.array([[[0.0] * (degree - len(p)) + list(p) for p in part] for part in parts])[:, :, ::-1]
    both = b.emit(
        Piecewise(
            edges=(np.array(edges, np.float64),) * width,
            right=False,
            origin=(np.zeros(len(parts)),) * width,
            coef=(np.ascontiguousarray(coef),) * width,
        ),
        x,
    )
    above, below = (b.emit(Select(columns=np.arange(start, 2 * width, 2)), both) for start in (0, 1))
    return binary("divide", above, below, b)


def _erf_below_1(x: str, b: Builder) -> str:
    square = binary("multiply", x, x, b)
    return binary("multiply", x, _rational(binary("minimum", square, 1.0, b), [(ERF_T, ERF_U)], b), b)


def _erfc_beyond_1(size: str, b: Builder) -> str:
    """Of a magnitude of at least 1; 0 from 30 on."""
    size = binary("minimum", size, 30.0, b)
    tail = elementwise("exp", elementwise("negative", binary("multiply", size, size, b), b), b)
    return binary("multiply", tail, _rational(size, [(ERFC_P, ERFC_Q), (ERFC_R, ERFC_S)], b, edges=[_BELOW_8]), b)


_BELOW_8 = math.nextafter(8.0, 0.0)
NDTRI_P0 = (
    -59.9633501014107895267,
    98.0010754185999661536,
    -56.6762857469070293439,
    13.9312609387279679503,
    -1.23916583867381258016,
)
NDTRI_Q0 = (
    1.0,
    1.95448858338141759834,
    4.67627912898881538453,
    86.3602421390890590575,
    -225.462687854119370527,
    200.260212380060660359,
    -82.0372256168333339912,
    15.9056225126211695515,
    -1.18331621121330003142,
)
NDTRI_P1 = (
    4.05544892305962419923,
    31.5251094599893866154,
    57.1628192246421288162,
    44.0805073893200834700,
    14.6849561928858024014,
    2.18663306850790267539,
    -0.140256079171354495875,
    -3.50424626827848203418e-2,
    -8.57456785154685413611e-4,
)
NDTRI_Q1 = (
    1.0,
    15.7799883256466749731,
    45.3907635128879210584,
    41.3172038254672030440,
    15.0425385692907503408,
    2.50464946208309415979,
    -0.142182922854787788574,
    -3.80806407691578277194e-2,
    -9.33259480895457427372e-4,
)
NDTRI_P2 = (
    3.23774891776946035970,
    6.91522889068984211695,
    3.93881025292474443415,
    1.33303460815807542389,
    0.201485389549179081538,
    1.23716634817820021358e-2,
    3.01581553508235416007e-4,
    2.65806974686737550832e-6,
    6.23974539184983293730e-9,
)
NDTRI_Q2 = (
    1.0,
    6.02427039364742014255,
    3.67983563856160859403,
    1.37702099489081330271,
    0.216236993594496635890,
    1.34204006088543189037e-2,
    3.28014464682127739104e-4,
    2.89247864745380683936e-6,
    6.79019408009981274425e-9,
)
ERFC_P = (
    2.46196981473530512524e-10,
    0.564189564831068821977,
    7.46321056442269912687,
    48.6371970985681366614,
    196.520832956077098242,
    526.445194995477358631,
    934.528527171957607540,
    1027.55188689515710272,
    557.535335369399327526,
)
ERFC_Q = (
    1.0,
    13.2281951154744992508,
    86.7072140885989742329,
    354.937778887819891062,
    975.708501743205489753,
    1823.90916687909736289,
    2246.33760818710981792,
    1656.66309194161350182,
    557.535340817727675546,
)
ERFC_R = (
    0.564189583547755073984,
    1.27536670759978104416,
    5.01905042251180477414,
    6.16021097993053585195,
    7.40974269950448939160,
    2.97886665372100240670,
)
ERFC_S = (
    1.0,
    2.26052863220117276590,
    9.39603524938001434673,
    12.0489539808096656605,
    17.0814450747565897222,
    9.60896809063285878198,
    3.36907645100081516050,
)
ERF_T = (
    9.60497373987051638749,
    90.0260197203842689217,
    2232.00534594684319226,
    7003.32514112805075473,
    55592.3013010394962768,
)
ERF_U = (
    1.0,
    33.5617141647503099647,
    521.357949780152679795,
    4594.32382970980127987,
    22629.0000613890934246,
    49267.3942608635921086,
)
