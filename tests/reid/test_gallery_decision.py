"""What the gallery decides about those who come in: known, new, or wait."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mtmc.reid.gallery import DecisionConfig, Entrant, Gallery, GalleryConfig

DIM = 32  # of the vectors of `person`


def test_known_new_and_wait_with_evidence(person, filled):
    gallery = filled(5)
    everybody = gallery.identities
    known, new, early = gallery.decide(
        [
            Entrant(person(3, 6, seed=4), everybody),
            Entrant(person(77, 6, seed=4), everybody),
            Entrant(person(4, 2, seed=4), everybody),
        ]
    )
    assert (known.kind, known.identity) == ("known", 3)
    assert known.candidates[0].identity == 3
    assert known.candidates[0].crops == 6
    assert known.compared == 5
    assert [c.distance for c in known.candidates] == sorted(c.distance for c in known.candidates)
    assert (new.kind, new.identity) == ("new", None)
    assert new.distance > new.threshold
    assert (early.kind, early.identity) == ("wait", 4)
    assert json.loads(json.dumps(known.to_dict()))["reason"] == known.reason


def test_what_is_final_is_never_wait(person, filled):
    gallery = filled(3)
    everybody = gallery.identities
    blind = np.full((1, DIM), np.nan, np.float32)
    for vectors in (person(1, 1, seed=3), person(55, 1), blind, person(1, 0)):
        for entrant in (Entrant(vectors, everybody, True), Entrant(vectors, everybody[:0], True)):
            assert gallery.decide([entrant])[0].kind != "wait"
    assert gallery.decide([Entrant(blind, everybody)])[0].kind == "wait"
    assert gallery.decide([]) == []


def test_only_candidates_are_compared(person, filled):
    gallery = filled(4)
    answer = gallery.decide([Entrant(person(2, 6, seed=1), np.array([1, 3, 4, 99]))])[0]
    assert answer.kind == "new"
    assert 2 not in [c.identity for c in answer.candidates]


def test_two_entrants_cannot_be_one(person, filled):
    gallery = filled(3)
    mine, noisy = person(1, 6, seed=1), person(1, 6, seed=2, noise=0.5)
    for order in ((mine, noisy), (noisy, mine)):
        answers = gallery.decide([Entrant(v, gallery.identities, True) for v in order])
        by_query = {id(v): answer for v, answer in zip(order, answers, strict=True)}
        assert (by_query[id(mine)].kind, by_query[id(mine)].identity) == ("known", 1)
        assert by_query[id(noisy)].kind == "new"
        assert "another entrant" in by_query[id(noisy)].reason


def test_a_close_second_is_worth_waiting_for(person, crops):
    gallery = Gallery(DIM, GalleryConfig(decision=DecisionConfig(min_lead=0.02)))
    gallery.add(1, crops(1, 5))
    gallery.add(2, crops(1, 5, tracklet=2, seed=1))  # the same person, twice
    entrant = Entrant(person(1, 6, seed=2), gallery.identities)
    assert gallery.decide([entrant])[0].kind == "wait"
    assert gallery.decide([replace(entrant, final=True)])[0].kind == "known"


def test_the_shortlist_finds_who_an_exact_search_finds(person, filled):
    people = 120
    whole, short = (filled(people, GalleryConfig(shortlist=shortlist)) for shortlist in (people, 6))
    for identity in range(1, people + 1, 7):
        entrant = Entrant(person(identity, 5, seed=3), whole.identities)
        exact, quick = whole.decide([entrant])[0], short.decide([entrant])[0]
        assert (quick.kind, quick.identity) == (exact.kind, exact.identity) == ("known", identity)
        assert quick.threshold == exact.threshold
        assert quick.compared == 6


def test_those_worth_comparing_are_the_closest_by_their_means(person, filled):
    gallery = filled(30, GalleryConfig(shortlist=4))
    query, others = person(9, 5, seed=3), np.arange(2, 31)
    likely = gallery.likely(query, others)
    distance = gallery.distances([query], others)[0]
    assert len(likely) == 4
    assert 9 in likely.tolist()
    assert set(likely.tolist()) <= set(others[np.argsort(distance)[:10]].tolist())
    assert filled(30).likely(query, others).tolist() == others.tolist()  # fewer than the shortlist
    assert gallery.vectors_of(9) == pytest.approx(person(9, 6))
