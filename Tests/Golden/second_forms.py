"""The values of the distillation methods once more, in NumPy and in another form: what `methods.py` is checked against.

Loops over pairs and triples, centring matrices, explicit inverses, softmax by plain exponentials in extended precision
(80 bits, so that exp(-1000) is a number). Only values: gradients are checked by finite differences.

`FORMS[method](student, teacher, state, settings)` takes dictionaries of arrays and returns a float.
"""

import math

import numpy as np


def maps(entries):
    """activation, activation.1, ... in order."""
    names = [name for name in entries if name.startswith("activation")]
    return [entries[name] for name in sorted(names, key=lambda name: int((name.split(".") + [0])[1]))]


def over_norm(vector, extra=0.0):
    norm = math.sqrt(float((vector * vector).sum()))
    return vector / (norm + extra) if norm > 0 else vector


def softmax(z, temperature=1.0):
    powers = np.exp(np.asarray(z, dtype=np.longdouble) / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def divergence(p, q):
    return sum(a * (np.log(a) - np.log(b)) for a, b in zip(p, q))


def z_score(row, extra=1e-7):
    if row.max() == row.min():
        return np.zeros_like(row)
    return (row - row.mean()) / (row.std(ddof=1) + extra)


def smooth(x):
    return np.where(abs(x) < 1, 0.5 * x * x, abs(x) - 0.5)


# Layers.


def windows(size, count):
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def pool(x, side):
    rows, columns = windows(x.shape[2], side), windows(x.shape[3], side)
    out = [[x[:, :, a:b, c:d].mean((2, 3)) for c, d in columns] for a, b in rows]
    return np.array(out).transpose(2, 3, 0, 1)


def paired(student, teacher):
    side = min(student.shape[2], teacher.shape[2])
    return [pool(x, side) if x.shape[2] > side else x for x in (student, teacher)]


def convolution(x, weight, stride=1):
    kernel = weight.shape[2]
    x = np.pad(x, [(0, 0), (0, 0), (kernel // 2, kernel // 2), (kernel // 2, kernel // 2)])
    side = (x.shape[2] - kernel) // stride + 1
    out = np.zeros((x.shape[0], weight.shape[0], side, side))
    for i in range(side):
        for j in range(side):
            patch = x[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            out[:, :, i, j] = np.einsum("bcxy,ocxy->bo", patch, weight)
    return out


def batch_norm(x, state, name):
    mean, variance = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    weight, bias = (state[f"{name}.{key}"].reshape(1, -1, 1, 1) for key in ("weight", "bias"))
    return weight * (x - mean) / np.sqrt(variance + 1e-5) + bias


def nearest(x, side):
    index = [i * x.shape[2] // side for i in range(side)]
    return x[:, :, index][:, :, :, index]


# Relations.


def sp(student, teacher, state, settings):
    total = 0
    for s, t in zip(maps(student), maps(teacher)):
        count = len(s)
        a, b = ([[(x[i] * x[j]).sum() for j in range(count)] for i in range(count)] for x in (s, t))
        total += sum(((over_norm(np.array(u)) - over_norm(np.array(v))) ** 2).sum() for u, v in zip(a, b)) / count**2
    return total


def cka(student, teacher, state, settings):
    total = 0
    for s, t in zip(maps(student), maps(teacher)):
        count = len(s)
        centring = np.eye(count) - np.ones((count, count)) / count
        k, l = (x.reshape(count, -1) @ x.reshape(count, -1).T for x in (s, t))

        def hsic(a, b):
            return np.trace(a @ centring @ b @ centring) / (count - 1) ** 2

        scale = math.sqrt(max(hsic(k, k) * hsic(l, l), 0))
        total += 1 - (hsic(k, l) / scale if scale > 0 else 0)
    return total


def rkd(student, teacher, state, settings):
    def relations(f):
        count = len(f)
        gaps = [[f[j] - f[i] for j in range(count)] for i in range(count)]
        lengths = np.array([[max(np.linalg.norm(g), 1e-6) if i != j else 0 for j, g in enumerate(row)]
                            for i, row in enumerate(gaps)])  # fmt: skip
        mean = lengths.sum() / (count * (count - 1))
        angles = np.zeros((count, count, count))
        for i in range(count):
            for j in range(count):
                for k in range(count):
                    angles[i, j, k] = over_norm(gaps[i][j]) @ over_norm(gaps[i][k])
        return lengths / mean, angles

    (d, a), (wanted_d, wanted_a) = relations(student["pooled"]), relations(teacher["pooled"])
    parts = smooth(d - wanted_d).mean(), smooth(a - wanted_a).mean()
    return settings.get("distance", 25) * parts[0] + settings.get("angle", 50) * parts[1]


def pkt(student, teacher, state, settings):
    """The sum form, over b^2."""

    def probabilities(f):
        unit = [over_norm(row, 1e-7) for row in f]
        kernel = np.array([[0.5 + 0.5 * (u @ v) for v in unit] for u in unit])
        return kernel / kernel.sum(1)[:, None]

    p, wanted = probabilities(student["pooled"]), probabilities(teacher["pooled"])
    return (wanted * (np.log(wanted + 1e-7) - np.log(p + 1e-7))).sum() / p.size


def skd(student, teacher, state, settings):
    s, t = (np.array([over_norm(row) for row in side["logits"]]) for side in (student, teacher))
    d = s @ s.T - t @ t.T
    inverse = np.linalg.inv(np.cov(d, rowvar=False) + settings.get("lambda", 0.1) * np.eye(len(d)))
    return np.mean([math.sqrt(row @ inverse @ row + 1e-12) for row in d])


def cc_paper(student, teacher, state, settings):
    gamma = settings.get("gamma", 0.4)

    def kernel(f):
        unit = [over_norm(row) for row in f]
        return np.array([[math.exp(-2 * gamma) * (1 + 2 * gamma * (u @ v) + 2 * gamma**2 * (u @ v) ** 2)
                          for v in unit] for u in unit])  # fmt: skip

    return ((kernel(student["pooled"]) - kernel(teacher["pooled"])) ** 2).mean()


def embedded(entries, state, name):
    return entries["pooled"] @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def cc(student, teacher, state, settings):
    gap = abs(embedded(student, state, "embed_s") - embedded(teacher, state, "embed_t"))
    return sum(float(gap[i] @ gap[i + 1]) for i in range(len(gap) - 1)) / (len(gap) - 1)


def itrd(student, teacher, state, settings):
    e, t = embedded(student, state, "embed"), teacher["pooled"]
    count, total = len(e), 0
    for k in range(e.shape[1]):
        c = z_score(e[:, k]) @ z_score(t[:, k]) / count
        total += abs(c - 1) ** (2 * settings.get("alpha", 1.01))
    own = student["pooled"] if student["pooled"].shape == t.shape else e
    g_s, g_t = (np.array([[over_norm(u) @ over_norm(v) for v in side] for u in side]) for side in (own, t))
    g_st = g_s * g_t
    mutual = ((g_s / np.trace(g_s)) ** 2).sum() - ((g_st / np.trace(g_st)) ** 2).sum()
    return settings.get("correlation", 2) * math.log2(total) + settings.get("mutual", 0.05) * mutual


# Logits.


def kd(student, teacher, state, settings):
    s, t = student["logits"], teacher["logits"]
    count = len(s)
    flags = {key for key, value in settings.items() if value is True}
    temperature = settings.get("temperature", 2 if flags else 4)
    if "curriculum" in flags:
        temperature = 1 + 20 / (1 + math.exp(-state["theta"][0]))
    total = 0
    for i in range(count):
        if "standardize" in flags:
            p, q, factor = softmax(z_score(t[i]), temperature), softmax(z_score(s[i]), temperature), temperature**2
        elif "normalize" in flags:
            own, other = (temperature * row.std(ddof=1) if row.max() > row.min() else 0 for row in (s[i], t[i]))
            q, p = (softmax(row, scale if scale > 0 else np.inf) for row, scale in ((s[i], own), (t[i], other)))
            factor = other**2
        else:
            p, q, factor = softmax(t[i], temperature), softmax(s[i], temperature), temperature**2
        if "weighted" in flags:
            own, other = (-np.log(softmax(row)[student["labels"][i]]) for row in (s[i], t[i]))
            total += factor * (1 - np.exp(-own / (other + 1e-7))) * -(p * np.log(q)).sum()
        else:
            total += factor * divergence(p, q)
    return total / count


def dkd(student, teacher, state, settings):
    """From KD = TCKD + (1 - p_t(y)) NCKD of each image: NCKD is what remains of KD."""
    temperature, total = settings.get("temperature", 4), 0
    for s, t, y in zip(student["logits"], teacher["logits"], student["labels"]):
        if settings.get("standardize"):
            s, t = z_score(s), z_score(t)
        p, q = softmax(t, temperature), softmax(s, temperature)
        rest_p, rest_q = np.delete(p, y).sum(), np.delete(q, y).sum()
        target = divergence([p[y], rest_p], [q[y], rest_q])
        others = (divergence(p, q) - target) / rest_p
        if rest_p < 1e-6:  # too little remains of KD: by the definition
            others = divergence(np.delete(p, y) / rest_p, np.delete(q, y) / rest_q)
        total += settings.get("alpha", 1) * target + settings.get("beta", 8) * others
    return temperature**2 * total / len(student["labels"])


def dist(student, teacher, state, settings):
    temperature = settings.get("temperature", 4)
    p, q = (softmax(side["logits"], temperature).astype(float) for side in (student, teacher))

    def correlation(u, v):
        if u.max() == u.min() or v.max() == v.min():
            return 0
        scale = math.sqrt(((u - u.mean()) ** 2).sum() * ((v - v.mean()) ** 2).sum())
        return np.corrcoef(u, v)[0, 1] * scale / (scale + 1e-8) if scale > 0 else 0

    inter, intra = (1 - np.mean([correlation(u, v) for u, v in zip(a, b)]) for a, b in ((p, q), (p.T, q.T)))
    return temperature**2 * (settings.get("beta", 1) * inter + settings.get("gamma", 1) * intra)


def nkd(student, teacher, state, settings):
    temperature, gamma, total = settings.get("temperature", 1), settings.get("gamma", 1.5), 0
    for s, t, y in zip(student["logits"], teacher["logits"], student["labels"]):
        q, p = (softmax(np.delete(row, y), temperature) for row in (t, s))
        total -= softmax(t)[y] * np.log(softmax(s)[y]) + gamma * temperature**2 * (q * np.log(p)).sum()
    return total / len(student["labels"])


def ttm(student, teacher, state, settings, gamma=0.1, weighs=False):
    gamma, total = settings.get("gamma", gamma), 0
    for s, t in zip(student["logits"], teacher["logits"]):
        powers = softmax(t) ** np.longdouble(gamma)
        total += divergence(powers / powers.sum(), softmax(s)) * (powers.sum() if weighs else 1)
    return total / len(student["logits"])


def wttm(student, teacher, state, settings):
    return ttm(student, teacher, state, settings, 0.2, True)


# Maps.


def nst(student, teacher, state, settings):
    """By broadcasting to b x c x c' x hw."""
    total = 0
    for s, t in zip(maps(student), maps(teacher)):
        s, t = (np.array([[over_norm(c.flatten()) for c in image] for image in x]) for x in paired(s, t))

        def mean(a, b):
            return ((a[:, :, None] * b[:, None]).sum(3) ** 2).mean()

        total += mean(t, t) + mean(s, s) - 2 * mean(t, s)
    return total


def vid(student, teacher, state, settings):
    """The mean negative logarithm of the normal density, without its ln(2 pi) / 2."""
    total = 0
    for i, (s, t) in enumerate(zip(maps(student), maps(teacher))):
        s, t = paired(s, t)
        for layer in range(3):
            s = convolution(s if layer == 0 else np.maximum(s, 0), state[f"pairs.{i}.regressor.{layer}.weight"])
        values = []
        for c, rho in enumerate(state[f"pairs.{i}.log_scale"]):
            variance = max(rho, 0) + math.log1p(math.exp(-abs(rho))) + 1e-5
            z = (s[:, c] - t[:, c]) / math.sqrt(variance)
            values.append(math.log(math.sqrt(variance)) + z * z / 2)
        total += np.mean(values)
    return total


def connected(x, state, name, stride=1):
    return batch_norm(convolution(x, state[f"{name}.conv.weight"], stride), state, f"{name}.bn")


def ab(student, teacher, state, settings):
    margin, total = settings.get("margin", 1), 0
    students, teachers = maps(student), maps(teacher)
    for i, (s, t) in enumerate(zip(students, teachers)):
        if f"connectors.{i}.conv.weight" in state:
            s = connected(s, state, f"connectors.{i}", s.shape[2] // t.shape[2])
        part = 0
        for x, wanted in zip(s.flatten(), t.flatten()):
            part += max(margin - x, 0) ** 2 if wanted > 0 else max(x + margin, 0) ** 2
        total += part / 2 ** (len(students) - 1 - i)
    return 0.003 * total / len(students[0])


def fsp(student, teacher, state, settings):
    students, teachers, total = maps(student), maps(teacher), 0

    def flow(first, second):
        first, second = paired(first, second)
        return np.einsum("bixy,bjxy->bij", first, second) / first.shape[2] ** 2

    for i in range(len(students) - 1):
        total += ((flow(*students[i : i + 2]) - flow(*teachers[i : i + 2])) ** 2).mean()
    return total


def ofd(student, teacher, state, settings):
    students, teachers, total = maps(student), maps(teacher), 0
    for i, (s, t) in enumerate(zip(students, teachers)):
        s, part = connected(s, state, f"connectors.{i}"), 0
        for c, margin in enumerate(state[f"margins.{i}"]):
            for x, wanted in zip(s[:, c].flatten(), t[:, c].flatten()):
                target = max(wanted, margin)
                part += (x - target) ** 2 if wanted > 0 or x > target else 0
        total += part / 2 ** (len(students) - 1 - i)
    return total / len(students[0]) / 1000


def ickd(student, teacher, state, settings):
    s = batch_norm(convolution(student["activation"], state["conv.weight"]), state, "bn")
    total = 0
    for own, other in zip(s, teacher["activation"]):
        a, b = (np.einsum("ixy,jxy->ij", x, x) for x in (own, other))
        total += sum(((over_norm(u) - over_norm(v)) ** 2).sum() for u, v in zip(a, b)) / len(b)
    return total / len(s)


def reviewkd(student, teacher, state, settings):
    levels = [[*maps(side), side["pooled"][:, :, None, None]][::-1] for side in (student, teacher)]
    total, carried = 0, None
    for i, (x, wanted) in enumerate(zip(*levels)):
        name = f"abfs.{i}"
        x = batch_norm(convolution(x, state[f"{name}.conv1.weight"]), state, f"{name}.bn1")
        if i > 0:
            carried = nearest(carried, x.shape[2])
            scores = convolution(np.concatenate([x, carried], 1), state[f"{name}.att_conv.weight"])
            attention = 1 / (1 + np.exp(-scores - state[f"{name}.att_conv.bias"].reshape(1, 2, 1, 1)))
            x = attention[:, [0]] * x + attention[:, [1]] * carried
        side = wanted.shape[2]
        carried = x = nearest(x, side)
        output = batch_norm(convolution(x, state[f"{name}.conv2.weight"]), state, f"{name}.bn2")
        levels_used = [level for level in (4, 2, 1) if level < side]
        weights = [1] + [0.5 ** (k + 1) for k in range(len(levels_used))]
        errors = [((output - wanted) ** 2).mean()]
        errors += [((pool(output, level) - pool(wanted, level)) ** 2).mean() for level in levels_used]
        total += np.average(errors, weights=weights)
    return total


def simkd(student, teacher, state, settings):
    x, t = paired(student["activation"], teacher["activation"])
    for i in (1, 2, 3):
        x = np.maximum(batch_norm(convolution(x, state[f"conv{i}.weight"]), state, f"bn{i}"), 0)
    return ((x - t) ** 2).mean()


# Pooled vectors with a module.


def srrl(student, teacher, state, settings):
    x = batch_norm((student["pooled"] @ state["conv.weight"][:, :, 0, 0].T)[:, :, None, None], state, "bn")
    x = np.maximum(x[:, :, 0, 0], 0)
    logits = x @ teacher["classifier.weight"].T + teacher["classifier.bias"]
    return ((x - teacher["pooled"]) ** 2).mean() + ((logits - teacher["logits"]) ** 2).mean()


def crd(student, teacher, state, settings):
    """`state` as before the loss."""
    count, temperature, total = len(state["memory_s"]), settings.get("temperature", 0.07), 0
    noise = student["negatives"].shape[1] / count
    sides = (("s", "t", student), ("t", "s", teacher))
    for own, other, entries in sides:
        vectors = [over_norm(v) for v in embedded(entries, state, f"embed_{own}")]
        drawn = [[i, *row] for i, row in zip(student["indices"], student["negatives"])]
        scores = [
            [math.exp(state[f"memory_{other}"][k] @ v / temperature) for k in row] for v, row in zip(vectors, drawn)
        ]
        normalizer = state[f"normalizer_{own}"][0]
        normalizer = normalizer if normalizer > 0 else count * np.mean(scores)
        for positive, *negatives in np.array(scores) / normalizer:
            total -= math.log(positive / (positive + noise + 1e-7))
            total -= sum(math.log(noise / (x + noise + 1e-7)) for x in negatives)
    return total / len(student["indices"])


FORMS = {
    "sp": sp, "cka": cka, "rkd": rkd, "pkt": pkt, "skd": skd, "cc": cc, "cc-paper": cc_paper, "itrd": itrd,
    "kd": kd, "dkd": dkd, "dist": dist, "nkd": nkd, "ttm": ttm, "wttm": wttm,
    "nst": nst, "vid": vid, "ab": ab, "fsp": fsp, "ofd": ofd, "ickd": ickd, "reviewkd": reviewkd, "simkd": simkd,
    "srrl": srrl, "crd": crd,
}  # fmt: skip
