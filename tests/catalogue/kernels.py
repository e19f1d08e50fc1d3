"""Estimators whose whole answer is a kernel and a matrix."""

from __future__ import annotations

from itertools import product

import numpy as np
from sklearn import decomposition, kernel_approximation, kernel_ridge

from catalogue.case import Case

# of a DataFrame scikit-learn itself computes no chi2 kernel: its buffer is read-only
# the server's answer is a sum of products that cancel: beyond the limit no digits are left of it
KERNELS = {
    "linear": ({"kernel": "linear"}, "unit", 1e6),
    "poly": ({"kernel": "poly", "degree": 2, "gamma": 0.5, "coef0": 0.3}, "unit", 1e3),
    "rbf": ({"kernel": "rbf", "gamma": 0.7}, "unit", 1e100),
    "sigmoid": ({"kernel": "sigmoid", "gamma": 0.1, "coef0": 0.2}, "unit", np.inf),
    "laplacian": ({"kernel": "laplacian", "gamma": 0.3}, "unit", np.inf),
    "cosine": ({"kernel": "cosine"}, "unit", 1e100),
    "chi2": ({"kernel": "chi2", "gamma": 0.4}, "unit", np.inf),
}

CASES = {
    **{
        f"KernelPCA, {name}": Case(
            make=lambda options=options: decomposition.KernelPCA(3, random_state=0, **options),
            rows=rows,
            target="none",
            output="transform",
            limit=limit,
        )
        for name, (options, rows, limit) in KERNELS.items()
        if name not in ("laplacian", "chi2")
    },
    "KernelPCA, all components": Case(
        make=lambda: decomposition.KernelPCA(remove_zero_eig=True, kernel="linear"),
        target="none",
        output="transform",
        limit=1e6,
    ),
    "KernelPCA, rbf, default gamma, sparse": Case(
        make=lambda: decomposition.KernelPCA(2, kernel="rbf", eigen_solver="arpack", random_state=0),
        rows="unit",
        target="none",
        output="transform",
        sparse=True,
        limit=1e100,
    ),
    **{
        f"Nystroem, {name}": Case(
            make=lambda options=options: kernel_approximation.Nystroem(n_components=12, random_state=0, **options),
            rows=rows,
            target="none",
            output="transform",
            limit=limit,
            frame="chi2" not in name,
        )
        for name, (options, rows, limit) in {
            **KERNELS,
            "additive_chi2": ({"kernel": "additive_chi2"}, "unit", 1e6),
            "defaults": ({}, "unit", 1e100),
            "kernel_params": ({"kernel": "rbf", "kernel_params": {"gamma": 0.2}}, "unit", 1e100),
        }.items()
    },
    **{
        f"KernelRidge, {name}, {target}": Case(
            make=lambda options=options: kernel_ridge.KernelRidge(alpha=0.5, **options),
            rows=rows,
            target=target,
            limit=limit,
            frame="chi2" not in name,
        )
        for (name, (options, rows, limit)), target in product(KERNELS.items(), ("value", "pair"))
    },
    "KernelRidge, defaults, sparse": Case(make=kernel_ridge.KernelRidge, rows="unit", sparse=True, limit=1e6),
}
