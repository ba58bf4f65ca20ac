from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrf import OverparamNetRegressor, RandomFeatureRidge

X, y = load_diabetes(return_X_y=True)
for model in HistGradientBoostingRegressor(), RandomFeatureRidge(), OverparamNetRegressor():
    scores = cross_val_score(make_pipeline(StandardScaler(), model), X, y)
    print(f"{type(model).__name__:30} {scores.mean():.2f}")
