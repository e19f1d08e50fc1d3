"""Train an elastic net on wine quality, log it to MLflow and register it: the model of MLflow's tutorial.

mlflow run examples/wine --env-manager=local -P alpha=0.4
python examples/wine/train.py --alpha 0.4 --l1-ratio 0.5
"""

from __future__ import annotations

import argparse
import warnings
from importlib.metadata import version
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import ElasticNet
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

DATA = Path(__file__).with_name("winequality-red.csv")
TARGET = "quality"
SEED = 40  # the tutorial's, so that its figures come out

# What a server of the model needs; MLflow's own guess takes ten seconds and adds pytest.
SERVING = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")


def train(*, alpha: float, l1_ratio: float, name: str) -> str:
    """Return the URI of the registered version, after training on three quarters and scoring the last one."""
    wines = pd.read_csv(DATA).astype("float64")  # an integer in the signature would refuse 6.0 and missing
    fitting, holdout = train_test_split(wines, random_state=SEED)
    inputs = [column for column in wines.columns if column != TARGET]

    with mlflow.start_run():
        model = ElasticNet(alpha=alpha, l1_ratio=l1_ratio, random_state=42).fit(fitting[inputs], fitting[TARGET])
        predicted = model.predict(holdout[inputs])
        metrics = {
            "rmse": root_mean_squared_error(holdout[TARGET], predicted),
            "mae": mean_absolute_error(holdout[TARGET], predicted),
            "r2": r2_score(holdout[TARGET], predicted),
        }
        mlflow.log_params({"alpha": alpha, "l1_ratio": l1_ratio})
        mlflow.log_metrics(metrics)
        dataset = mlflow.data.from_pandas(fitting, source=str(DATA), targets=TARGET, name="winequality-red")
        mlflow.log_input(dataset, "training")
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(holdout[inputs], predicted),
            input_example=holdout[inputs].head(5),
            pip_requirements=[f"{package}=={version(package)}" for package in SERVING],
            registered_model_name=name,
        )
    uri = f"models:/{name}/{logged.registered_model_version}"
    print(
        f"{uri}: alpha {alpha}, l1_ratio {l1_ratio}: " + ", ".join(f"{key} {value}" for key, value in metrics.items())
    )
    return uri


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alpha", type=float, default=0.5, help="strength of the penalty (default: %(default)s)")
    parser.add_argument("--l1-ratio", type=float, default=0.5, help="share of its L1 part (default: %(default)s)")
    parser.add_argument("--name", default="wine-quality", help="registered model name (default: %(default)s)")
    arguments = parser.parse_args()
    # MLflow lists its source for local files twice and warns of two readings of every path.
    warnings.filterwarnings("ignore", message="The specified dataset source can be interpreted in multiple ways")
    train(alpha=arguments.alpha, l1_ratio=arguments.l1_ratio, name=arguments.name)


if __name__ == "__main__":
    main()
