"""scikit-learn's preprocessing beyond scalers and category encoders."""

from __future__ import annotations

from sklearn import preprocessing

from edgepack.lower.preprocess import polynomial, power, quantile, rows, spline

TRANSFORMERS = {
    preprocessing.Binarizer: rows.binarizer,
    preprocessing.KBinsDiscretizer: rows.k_bins_discretizer,
    preprocessing.KernelCenterer: rows.kernel_centerer,
    preprocessing.Normalizer: rows.normalizer,
    preprocessing.PolynomialFeatures: polynomial.polynomial_features,
    preprocessing.PowerTransformer: power.power_transformer,
    preprocessing.QuantileTransformer: quantile.quantile_transformer,
    preprocessing.SplineTransformer: spline.spline_transformer,
}
