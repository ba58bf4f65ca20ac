"""Metadata routing of estimators whose `cv` may request groups."""

from typing import Any

from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping


class GroupsMixin:
    """The routing of the groups that `fit` passes on to `cv`."""

    cv: Any

    # `cv` requests groups, not `fit` (see get_metadata_routing).
    __metadata_request__fit = {"groups": UNUSED}

    def get_metadata_routing(self) -> MetadataRouter:
        """Describe the metadata that this estimator and its `cv` request.

        `fit` accepts groups if `cv` requests groups, as GroupKFold does.

        Returns
        -------
        routing : MetadataRouter
            The requests of this estimator and of `cv`.

        Raises
        ------
        ValueError
            If `cv` is not a cross-validation generator, an int or an iterable of splits.

        Examples
        --------
        >>> from sklearn.model_selection import GroupKFold
        >>> from skrf import RandomFeatureRidge
        >>> model = RandomFeatureRidge(alphas=[0.1, 1.0], cv=GroupKFold(3))
        >>> model.get_metadata_routing().consumes("fit", ["groups"])
        {'groups'}
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        mapping = MethodMapping().add(caller="fit", callee="split")
        if hasattr(self, "fit_transform"):  # which Pipelines call
            mapping.add(caller="fit_transform", callee="split")
        return router.add(splitter=check_cv(self.cv), method_mapping=mapping)
