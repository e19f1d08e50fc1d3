"""What a skops file may hold. edgepack keeps this list itself; the one in a model's `MLmodel` is the model's own word.

skops's defaults (scikit-learn's estimators, numpy's dtypes, the ufuncs of numpy and scipy.special) are trusted too; a
function that is not such a ufunc is not. skops may *call* whatever is trusted here with arguments out of the file, so a
name belongs here only if calling it with anything at all does no harm. Types whose compiled code follows stored indices
(trees, KDTree, …) are trusted because `edgepack.source.bounds` checks those indices before anything runs.
"""

from __future__ import annotations

from itertools import chain
from types import MappingProxyType

_NAMES_BY_MODULE = MappingProxyType(
    {
        "builtins": ("object",),  # make_column_selector(dtype_include=object)
        "collections": ("OrderedDict",),  # inside lightgbm's estimators
        "catboost.core": ("CatBoost", "CatBoostClassifier", "CatBoostRanker", "CatBoostRegressor"),
        "lightgbm.basic": ("Booster",),
        "lightgbm.sklearn": ("LGBMClassifier", "LGBMRanker", "LGBMRegressor"),
        "xgboost.core": ("Booster",),
        "xgboost.sklearn": ("XGBClassifier", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker", "XGBRegressor"),
        "functools": ("partial",),  # of trusted functions; HistGradientBoosting keeps one for its categories
        "numpy": ("dtype", "floating", "integer", "mean", "number"),
        "scipy._lib.array_api_compat.numpy._aliases": ("asarray",),  # inside every BSpline
        "scipy.interpolate._bsplines": ("BSpline",),
        "scipy.sparse._csr": ("csr_matrix", "csr_array"),
        "scipy.sparse._csc": ("csc_matrix", "csc_array"),
        "sklearn._loss.link": (
            "HalfLogitLink",
            "IdentityLink",
            "Interval",
            "LogLink",
            "LogitLink",
            "MultinomialLogit",
        ),
        "sklearn._loss.loss": (
            "AbsoluteError",
            "ExponentialLoss",
            "HalfBinomialLoss",
            "HalfGammaLoss",
            "HalfMultinomialLoss",
            "HalfPoissonLoss",
            "HalfSquaredError",
            "HalfTweedieLoss",
            "HalfTweedieLossIdentity",
            "HuberLoss",
            "PinballLoss",
        ),
        "sklearn.calibration": ("_CalibratedClassifier", "_SigmoidCalibration", "_TemperatureScaling"),
        "sklearn.compose._column_transformer": ("make_column_selector",),
        "sklearn.ensemble._hist_gradient_boosting.binning": ("_BinMapper",),
        "sklearn.ensemble._hist_gradient_boosting.predictor": ("TreePredictor",),
        "sklearn.feature_selection._mutual_info": ("mutual_info_classif", "mutual_info_regression"),
        "sklearn.feature_selection._univariate_selection": (
            "chi2",
            "f_classif",
            "f_oneway",
            "f_regression",
            "r_regression",
        ),
        "sklearn.gaussian_process._gpc": ("_BinaryGaussianProcessClassifierLaplace",),
        "sklearn.gaussian_process.kernels": (
            "ConstantKernel",
            "DotProduct",
            "ExpSineSquared",
            "Exponentiation",
            "Matern",
            "PairwiseKernel",
            "Product",
            "RBF",
            "RationalQuadratic",
            "Sum",
            "WhiteKernel",
        ),
        "sklearn.impute._iterative": ("IterativeImputer", "_ImputerTriplet"),
        "sklearn.metrics._classification": ("accuracy_score", "balanced_accuracy_score"),
        "sklearn.metrics._dist_metrics": (
            "ChebyshevDistance64",
            "EuclideanDistance64",
            "ManhattanDistance64",
            "MinkowskiDistance64",
        ),
        "sklearn.metrics._regression": ("r2_score",),
        "sklearn.metrics._scorer": ("_CurveScorer", "_PassthroughScorer", "_Scorer"),
        "sklearn.model_selection._search_successive_halving": (
            "HalvingGridSearchCV",
            "HalvingRandomSearchCV",
            "_SubsampleMetaSplitter",
        ),
        "sklearn.model_selection._split": ("KFold", "StratifiedKFold"),
        "sklearn.multiclass": ("_ConstantPredictor",),
        "sklearn.neighbors._ball_tree": ("BallTree",),
        "sklearn.neighbors._kd_tree": ("KDTree",),
        "sklearn.neural_network._stochastic_optimizers": ("AdamOptimizer", "SGDOptimizer"),
        "sklearn.tree._tree": ("Tree",),
        "sklearn.utils._bunch": ("Bunch",),
        "sklearn.utils._metadata_requests": ("MetadataRequest", "MethodMetadataRequest"),
        "sklearn.utils.validation": ("check_array",),  # inside HistGradientBoosting with categories
    }
)

TRUSTED_TYPES = frozenset(
    chain.from_iterable((f"{module}.{name}" for name in names) for module, names in _NAMES_BY_MODULE.items())
)
"""Fully qualified names that edgepack trusts beyond skops's own defaults."""
