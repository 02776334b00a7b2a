"""Rules of the data split and of the fit, on made-up data: python -m unittest."""

import unittest

import numpy as np
import torch

import calibrate
import corpus
import deep
import e5
import encoder
import fast
import irt
import targets
import tokens
import train


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


VOCAB = tokens.SPECIALS + list("abcdefghijklmnopqrstuvwxyz0123456789") + ["##" + c for c in "abcdefghijklmnopqrstuvwxyz"] + [
    "Hello", "hello", "12", "34", "你", "好", "你好", "中", "中华", "人民", "!", "."]


class Tokens(unittest.TestCase):
    def setUp(self):
        self.tok = tokens.Tokenizer(VOCAB)

    def said(self, text, marks=()):
        return [VOCAB[i] for i in self.tok.pieces(text, marks)]

    def test_words(self):
        self.assertEqual([w for w, _ in tokens.words("Hé\u200bLLO\n \n12.5 你好!")], ["HéLLO", "[NL]", "12", ".", "5", "你好", "!"])

    def test_longest_chinese_words_from_the_left(self):
        self.assertEqual(self.said("你好中华人民中"), ["你好", "中华", "人民", "中"])

    def test_unknown_characters_do_not_swallow_their_neighbours(self):
        self.assertEqual(self.said("你龘好"), ["你", "[UNK]", "好"])

    def test_marks_come_first(self):
        self.assertEqual(self.said("hello", (tokens.TOOLS,)), ["[TOOLS]", "hello"])
        self.assertNotIn("[TOOLS]", self.said("[TOOLS]"))

    def test_fold_joins_case_and_digits(self):
        fold = lambda t: self.tok.fold[VOCAB.index(t)]
        self.assertEqual(fold("Hello"), fold("hello"))
        self.assertEqual(fold("12"), fold("34"))
        self.assertNotEqual(fold("你"), fold("好"))
        self.assertEqual(len(set(self.tok.fold)), self.tok.folded)

    def test_vocabulary_is_cut_out_of_the_pieces(self):
        pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁the", "the", "▁a", "a", "你好", "▁你", "ing", "▁x-y", ","]
        vocab, rows = tokens.build_vocabulary(["the theing 你好"] * 3, pieces, 40)
        at = lambda t: pieces[rows[vocab.index(t)]]
        self.assertEqual((at("the"), at("##the"), at("##ing"), at("你好"), at("你")), ("▁the", "the", "ing", "你好", "▁你"))
        self.assertNotIn("x-y", vocab)
        self.assertEqual(vocab[: len(tokens.SPECIALS)], tokens.SPECIALS)


class Features(unittest.TestCase):
    def test_rows_have_unit_length(self):
        fold = np.arange(1000)
        for n in (0, 1, 2, 23, 24, 25, 49, 500):
            ids, w = tokens.features(list(range(3, 3 + n)), fold, 1000, 64)
            self.assertEqual(w.shape, (3, len(ids)))
            np.testing.assert_allclose((w.astype(np.float64) ** 2).sum(1), 1, rtol=1e-5)


class Start(unittest.TestCase):
    def test_blocks_of_four_bits(self):
        scale = np.array([0.5], "<f2").tobytes()
        q = bytes(range(16))  # low halves 0..15, high halves 0
        w = e5.dequantise(scale + q, 32)
        np.testing.assert_allclose(w[:16], (np.arange(16) - 8) * 0.5)
        np.testing.assert_allclose(w[16:], -4)

    def test_translations_are_near_in_the_starting_weights(self):
        source = e5.load()
        vocab, rows = tokens.build_vocabulary(["x"], source.pieces, 60000)
        tok, net = tokens.Tokenizer(vocab), encoder.from_e5(source, rows, list(range(12)))
        texts = ["How do I cook rice?", "怎么煮米饭？", "The stock market fell on Monday."]
        v = encoder.predict(net, [encoder.clip(tok.pieces(t)) for t in texts])[1][:, : source.hidden]
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        self.assertGreater(v[0] @ v[1], v[0] @ v[2] + 0.05)


class Targets(unittest.TestCase):
    def test_second_reading_and_equally_good_labels_share(self):
        t = targets.intent_target(2, (5,), corpus.Reading(7, (), 1.0))
        self.assertAlmostEqual(float(t.sum()), 1, places=6)
        self.assertAlmostEqual(float(t[2]), 0.7, places=6)
        self.assertAlmostEqual(float(t[5]), 0.15, places=6)
        self.assertEqual(targets.intent_target(2, (), corpus.Reading(2, (), 1.0))[2], 1)

    def test_lists_of_functions_become_a_mark(self):
        e = targets.Example("Weather in Rome?\n\nAvailable functions:\n- weather(city)", "k", "en", "s", "i")
        extra = targets.marked([e])
        self.assertEqual([(x.prompt, x.tools, x.marks) for x in extra], [("Weather in Rome?", True, [tokens.TOOLS])])

    def test_outcomes_decide_where_they_exist(self):
        known = targets.Example("p", "k", "en", "s", "i", b=1.0, b_sd=0.4, b_from="outcomes", read=-1.0)
        label = targets.Example("p", "k", "en", "s", "i", b=1.0, b_sd=1.0, b_from="label", read=-1.0)
        d = deep.data_of([known, label, known], [[3, 4]] * 3, held=lambda key: False)
        self.assertEqual([float(x) for x in d.b[:, 2]], [1.0, -1.0, 1.0])
        held = deep.data_of([known], [[3, 4]], held=lambda key: True)
        self.assertTrue(np.isnan(held.b[0, 0]))
        self.assertEqual(float(held.b[0, 2]), -1.0)


class Deep(unittest.TestCase):
    def test_padding_changes_nothing(self):
        torch.manual_seed(1)
        net = encoder.Encoder(32, 4, 64, 1e-12, 2, 50, encoder.HEAD + encoder.TAIL + 2).eval()
        with torch.no_grad():
            alone, _ = net(encoder.pad([[3, 7, 8, 4]]))
            beside, _ = net(encoder.pad([[3, 7, 8, 4], [3, 9, 10, 11, 12, 13, 4]]))
        np.testing.assert_allclose(alone[0].numpy(), beside[0].numpy(), atol=1e-5)

    def test_clip_keeps_head_and_tail(self):
        ids = encoder.clip(list(range(100, 1100)))
        self.assertEqual((len(ids), ids[1], ids[-2]), (encoder.HEAD + encoder.TAIL + 2, 100, 1099))

    def test_serve_believes_outcomes_where_they_exist(self):
        out = np.zeros((2, encoder.OUT), np.float32)
        out[:, encoder.OUTCOMES], out[:, encoder.READING], out[:, encoder.MEASURED] = 2, -2, [20, -20]
        low, high = (4 * w - 2 for w in train.BELIEVE_OUTCOMES)
        np.testing.assert_allclose(train.serve(out), [high, low], atol=1e-4)

    def test_learns(self):
        rng = np.random.default_rng(2)
        sequences = [[3, *(rng.integers(7, 20, 6) + 15 * (k % 2)).tolist(), 4] for k in range(200)]
        examples = [targets.Example("", str(k), "en", "s", "i", intent=np.eye(16, dtype=np.float32)[k % 2], b=2.0 * (k % 2), b_sd=0.3, b_from="outcomes") for k in range(200)]
        d = deep.data_of(examples, sequences, held=lambda key: False)
        torch.manual_seed(1)
        net = encoder.Encoder(32, 4, 64, 1e-12, 1, 50, encoder.HEAD + encoder.TAIL + 2)
        cfg = deep.Config(layers=[0], steps=120, rate=3e-3, seed=1, shares=(8, 8, 0), warm_up=10)
        deep.train(net, d, cfg, log=lambda s: None)
        out, _ = encoder.predict(net, sequences)
        self.assertGreater(np.mean(out[:, :16].argmax(1) == np.arange(200) % 2), 0.95)
        self.assertGreater(np.corrcoef(out[:, encoder.OUTCOMES], np.arange(200) % 2)[0, 1], 0.9)


class Calibrating(unittest.TestCase):
    def test_fast_answers_only_what_it_knows(self):
        """A fast stage that is right when sure and wrong when not answers from
        where it is sure; one that is wrong everywhere never does."""
        rng = np.random.default_rng(5)
        n = 400
        rows = [corpus.Row(str(i), "s", "MIT", "en" if i % 2 else "zh", "", "", intent=i % 16, level=1 + i % 5) for i in range(n)]
        truth = np.array([r.intent for r in rows])
        b = np.array([r.level for r in rows]) + rng.normal(0, 0.1, n)

        def said(intent, sure):
            out = np.zeros((n, 18), np.float32)
            out[np.arange(n), intent] = np.where(sure, 8, 1)
            out[:, fast.B] = b
            return out

        plain = calibrate.Calibration(1.0, 0.0, 1.0, 0.0, 1.0)
        sure = np.arange(n) % 3 > 0
        lang = np.array([r.lang for r in rows])
        deep_said = said(truth, np.ones(n, bool))
        good = said(np.where(sure, truth, (truth + 1) % 16), sure)
        bound = calibrate.answers(plain, good, good, plain, deep_said, deep_said, rows, b, lang)
        self.assertTrue(0.4 < bound <= 0.99, bound)
        bad = said((truth + 1) % 16, np.ones(n, bool))
        self.assertGreater(calibrate.answers(plain, bad, bad, plain, deep_said, deep_said, rows, b, lang), 1)

    def test_kappa(self):
        self.assertEqual(calibrate.qwk([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]), 1)
        self.assertLess(calibrate.qwk([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]), -0.9)


class Fast(unittest.TestCase):
    def test_gradient(self):
        rng = np.random.default_rng(0)
        out = rng.normal(size=(6, fast.N_OUT))
        intent = rng.random((6, 16))
        y = {"intent": intent / intent.sum(1, keepdims=True), "b": np.array([0.5, np.nan, 1, -1, 2, 0]),
             "b_sd": np.full(6, 0.4), "b_weight": np.full(6, 2.0)}
        cfg = {"w_intent": 1.0, "w_b": 0.5}

        def loss(o):
            logp = lambda z: z - np.log(np.exp(z).sum(1, keepdims=True))
            on = ~np.isnan(y["b"])
            r, s = o[on, fast.B] - y["b"][on], o[on, fast.LOG_SD]
            return (-(y["intent"] * logp(o[:, :16])).sum() + 0.5 * 2.0 * (0.5 * (r * r + 0.16) / np.exp(2 * s) + s).sum()) / 6

        g = fast._loss_grad(out, y, cfg)
        for i, j in [(0, 1), (1, 15), (2, fast.B), (3, fast.LOG_SD), (1, fast.B)]:
            e = np.zeros_like(out)
            e[i, j] = 1e-5
            self.assertAlmostEqual((loss(out + e) - loss(out - e)) / 2e-5, g[i, j], places=5)


if __name__ == "__main__":
    unittest.main()
