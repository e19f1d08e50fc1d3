"""The end of a classifier."""

from __future__ import annotations

import numpy as np

from edgepack.contract import Interface
from edgepack.ir.types import Floats
from edgepack_coreml import ensemble, forests, linear
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature, output_feature
from edgepack_coreml.head import Head
from edgepack_coreml.labels import Labels, core_ml_labels
from edgepack_coreml.proto import messages
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Grown, Numbers, Weighted, whole_source

ULP = 2.0**-52


def end(b: Builder, table: Numbers, head: Head, interface: Interface) -> tuple[Feature, ...]:
    """The last stage, with `classLabel` and, where asked, `classProbability`."""
    labels = core_ml_labels(interface.classes or ())
    text = isinstance(labels[0], str)
    outputs = [output_feature(b.name("classLabel"), "string" if text else "int64")]
    if head.probabilities:
        outputs.append(output_feature(b.name("classProbability"), "labels string" if text else "labels int64"))
    whole = whole_source(table)
    if isinstance(whole, Grown) and head.link != "one versus rest":
        _tree_classifier(b, whole, head, labels, outputs)
    else:
        _linear_classifier(b, linear.weighted(table), head, labels, outputs)
    return tuple(outputs)


def _tree_classifier(b: Builder, grown: Grown, head: Head, labels: Labels, outputs: list[Feature]) -> None:
    value, base = forests.contributions(grown)
    transform = ensemble.NO_TRANSFORM
    match head.link:
        case "softmax":
            transform = ensemble.SOFTMAX
        case "logistic":
            transform, base = ensemble.LOGISTIC, base + head.offset
        case "probability":
            value, base = _both(grown, value, base)
    if head.link in ("none", "probability"):
        value = _summable(value, base, grown)
    features, trees = forests.planted(b, grown, value, base)
    body = ensemble.classifier_body(trees, transform, _label_field(labels))
    b.add("treeEnsembleClassifier", features, outputs, body, **_named(outputs))


def _both(grown: Grown, value: Floats, base: Floats) -> tuple[Floats, Floats]:
    """Two columns from class 1's alone: every tree adds its share of 1 less that."""
    share = np.where(grown.forest.is_leaf, 1 / len(grown.forest.roots), 0.0)[:, None]
    return np.concatenate([share - value, value], axis=1), np.concatenate([-base, base])


def _summable(value: Floats, base: Floats, grown: Grown) -> Floats:
    """Shares of probabilities as multiples of 2⁻⁵²: their sums are then exact in any order, so ties stay ties.

    Core ML divides nothing, so a mean's divisor is in the leaves already; a sum of rounded quotients would break
    ties by the order of the trees.
    """
    largest = np.maximum.reduceat(np.abs(value), grown.forest.roots)  # a tree's nodes stand together
    if base.any() or np.any(largest.sum(axis=0) > 2):
        return value
    whole = value / ULP
    np.rint(whole, out=whole)
    whole *= ULP
    return whole


def _linear_classifier(b: Builder, source: Weighted, head: Head, labels: Labels, outputs: list[Feature]) -> None:
    coef, intercept = source.coef, source.intercept
    one_versus_rest = head.link == "one versus rest"
    if head.link == "probability" or (head.link == "none" and head.probabilities):
        raise Refused("probabilities that are neither a forest's mean nor a link of scores")
    if one_versus_rest and len(labels) == 2:
        raise Refused("one-versus-rest with two classes", "use one binary classifier")
    if head.link == "logistic":
        intercept = intercept + head.offset
    elif not one_versus_rest:  # the first class is the reference: softmax changes nothing when its scores are taken off
        coef, intercept = coef[1:] - coef[0], intercept[1:] - intercept[0]
    features, rows = linear.arranged(b, Weighted(columns=source.columns, coef=coef, intercept=intercept))
    message = messages().Model()
    glm = message.glmClassifier
    for row in rows.tolist():
        glm.weights.add(value=row)
    glm.offset.extend(intercept.tolist())
    glm.postEvaluationTransform = glm.Logit
    glm.classEncoding = glm.OneVsRest if one_versus_rest else glm.ReferenceClass
    _fill_labels(glm, labels)
    b.add("glmClassifier", features, outputs, message, **_named(outputs))


def _named(outputs: list[Feature]) -> dict[str, str]:
    names = [feature.name for feature in outputs]
    return dict(zip(("predicted", "probabilities"), names, strict=False))


def _fill_labels(message: object, labels: Labels) -> None:
    field = "stringClassLabels" if isinstance(labels[0], str) else "int64ClassLabels"
    getattr(message, field).vector.extend(labels)


def _label_field(labels: Labels) -> bytes:
    """The encoded field `stringClassLabels` or `int64ClassLabels` of a TreeEnsembleClassifier."""
    message = messages().Model()
    _fill_labels(message.treeEnsembleClassifier, labels)
    encoded: bytes = message.treeEnsembleClassifier.SerializeToString()
    return encoded
