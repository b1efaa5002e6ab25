"""Folds: whole strata where there are enough of them, else customers one by one."""

from streams.backtest.fitting.folds import folds_of

NAMES = [f"customer-{number}" for number in range(1_000)]


def test_a_stratum_is_never_torn_apart_where_there_are_more_than_two() -> None:
    strata = {name: f"run {index % 7}" for index, name in enumerate(NAMES)}
    folds = folds_of(strata)

    assert len({(strata[name], folds[name]) for name in NAMES}) == 7
    assert set(folds.values()) == set(range(5))


def test_of_two_strata_or_none_both_are_learned_from_in_every_fold() -> None:
    for strata in (dict.fromkeys(NAMES, ""), {name: f"run {index % 2}" for index, name in enumerate(NAMES)}):
        folds = folds_of(strata)

        assert {(strata[name], folds[name]) for name in NAMES} == {
            (stratum, fold) for stratum in set(strata.values()) for fold in range(5)
        }
        # The same customer is in the same fold, whoever else there is.
        assert folds_of({NAMES[0]: "other"})[NAMES[0]] == folds[NAMES[0]]
