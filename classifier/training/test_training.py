"""Rules of the data split and of the fit, on made-up data: python -m unittest."""

import unittest

import numpy as np

import calibrate
import corpus
import irt
import model
import tokens


class Split(unittest.TestCase):
    def test_key_stops_before_the_first_option(self):
        self.assertEqual(corpus.split_key("What  is Ｘ?\n(A) one\n(B) two"), "what is x?")
        self.assertEqual(corpus.split_key("哪个对？\nA、一\nB、二"), "哪个对?")

    def test_key_is_whole_without_options_or_if_nothing_is_left(self):
        self.assertEqual(corpus.split_key("A cat sat."), "a cat sat.")
        self.assertEqual(corpus.split_key("A. one\nB. two"), "a. one b. two")

    def test_bucket_is_big_endian(self):
        # SHA-256("abc") begins ba7816bf8f01cfea
        self.assertEqual(corpus.bucket("abc"), 0xBA7816BF8F01CFEA)

    def test_licences(self):
        for text, want in (("MIT", "open"), ("Apache-2.0 (repository); prompts MIT (MMLU)", "open"), ("CC-BY-3.0", "open"), ("CC0-1.0", "open"),
                           ("CC-BY-NC-4.0", "restricted"), ("x; prompts CC-BY-SA-4.0 (ARC)", "restricted"),
                           ("Apache-2.0 (code); data CC-BY-NC-4.0 (AlpacaFarm eval set)", "restricted"),
                           ("no licence file (RouterDC); prompts MIT (MMLU)", "none")):
            self.assertEqual(corpus.licence_class(text), want, text)


class Scale(unittest.TestCase):
    def test_recovers_abilities_and_difficulties(self):
        rng = np.random.default_rng(3)
        theta, b = np.linspace(-2, 2, 9), rng.normal(0, 1.2, 400)
        rows = []
        for i, bi in enumerate(b):  # two sources that share only the middle model
            models = range(0, 5) if i % 2 else range(4, 9)
            score = {f"m{m}": float(rng.random() < 1 / (1 + np.exp(bi - theta[m]))) for m in models}
            rows.append(corpus.Row(str(i), f"s{i % 2}", "MIT", "en", "", "", outcomes=score))
        f = irt.fit(rows, {}, {})
        self.assertAlmostEqual(float(np.mean(f.b)), 0, places=6)
        order = [f.theta[f.models.index(f"m{m}")] for m in range(9)]
        self.assertGreater(np.corrcoef(order, theta)[0, 1], 0.95)
        self.assertGreater(np.corrcoef(f.b, b)[0, 1], 0.6)


class Features(unittest.TestCase):
    def test_rows_have_unit_length(self):
        for n in (0, 1, 2, 23, 24, 25, 49, 500):
            ids, w = tokens.features(list(range(3, 3 + n)), 1000, 64)
            self.assertEqual(w.shape, (3, len(ids)))
            np.testing.assert_allclose((w.astype(np.float64) ** 2).sum(1), 1, rtol=1e-5)

    def test_words(self):
        self.assertEqual(tokens.words("Hé\u200bLLO\n\n12.5 你好!"), ["héllo", "[NL]", "00", ".", "0", "你", "好", "!"])


class Training(unittest.TestCase):
    def test_gradient(self):
        rng = np.random.default_rng(0)
        out = rng.normal(size=(6, model.N_OUT))
        y = {"gold": np.eye(16)[[1, 2, 3, 4, 5, 6]], "weak": np.eye(16)[[0, 0, 1, 1, 2, 2]],
             "b": np.array([0.5, np.nan, 1, -1, 2, 0]), "b_sd": np.full(6, 0.4), "b_weight": np.full(6, 2.0)}
        cfg = {"w_gold": 1.0, "w_weak": 0.3, "w_b": 0.5}

        def loss(o):
            logp = lambda z: z - np.log(np.exp(z).sum(1, keepdims=True))
            total = -(y["gold"] * logp(o[:, :16])).sum() - 0.3 * (y["weak"] * logp(o[:, 16:32])).sum()
            on = ~np.isnan(y["b"])
            r, s = o[on, model.B] - y["b"][on], o[on, model.LOG_SD]
            return (total + 0.5 * 2.0 * (0.5 * (r * r + 0.16) / np.exp(2 * s) + s).sum()) / 6

        g = model._loss_grad(out, y, cfg)
        for i, j in [(0, 1), (1, 20), (2, model.B), (3, model.LOG_SD), (1, model.B)]:
            e = np.zeros_like(out)
            e[i, j] = 1e-5
            self.assertAlmostEqual((loss(out + e) - loss(out - e)) / 2e-5, g[i, j], places=5)

    def test_kappa(self):
        self.assertEqual(calibrate.qwk([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]), 1)
        self.assertLess(calibrate.qwk([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]), -0.9)


if __name__ == "__main__":
    unittest.main()
