// SPDX-License-Identifier: BSD-3-Clause
// Random small worlds of names, patterns and peers, judged by the policy image and by a slow
// reference that FEATURES P2, P4 and DESIGN §2, §6 were copied into, rule by rule. FEDRELAY_SEED
// repeats a run.

#include "lib/policy/mix.h"
#include "tests/unit/policy/fixture.h"

#include <ctype.h>
#include <fnmatch.h>
#include <time.h>

#define N_WORLDS         400
#define N_QUERIES        128
#define NAMES_MAX        14
#define PATTERNS_MAX     5
#define N_PEERS          4
#define MODEL_NAME_BYTES 64

struct entry {
	char text[MODEL_NAME_BYTES]; // canonical name, or wildcard
	enum image_list list;
	uint32_t peer; // IMAGE_PEER_NONE for a block
	image_rule_id rule;
};

struct world {
	struct entry names[NAMES_MAX], patterns[PATTERNS_MAX];
	unsigned n_names, n_patterns;
	uint32_t flags;
};

struct question {
	char from[MODEL_NAME_BYTES], to[MODEL_NAME_BYTES];                 // canonical
	char from_spelled[MODEL_NAME_BYTES], to_spelled[MODEL_NAME_BYTES]; // as asked
	enum side side;
	unsigned source; // of which peer; N_PEERS: of none, N_PEERS + 1: not judged
	bool has_card;
	struct card card;
};

// How the peers prove themselves, by their numbers: two by domain, one by host, one by fingerprint.
static const char *const host_of_2[] = {"proxy.host", "b.host"};
static const uint8_t prints_of_3[2][IMAGE_FINGERPRINT_BYTES] = {{3, 1}, {3, 2}};

static uint64_t random_state;

static unsigned below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)((random_state >> 16) % n);
}

static void random_name(char out[MODEL_NAME_BYTES])
{
	static const char *const labels[] = {
		"a", "b", "ab", "ba", "xa", "a-b", "xn--bcher-kva", "xn--80akhbyknj4f", "_a"};
	unsigned n_labels = 1 + below(4);

	out[0] = '\0';
	for (unsigned i = 0; i < n_labels; i++) {
		if (i > 0)
			strcat(out, ".");
		// The long ones rarely, so that four labels fit.
		strcat(out, labels[below(i < 2 ? 9 : 5)]);
	}
}

static enum image_list random_list(uint32_t *peer)
{
	enum image_list list = (enum image_list)below(3);

	*peer = list == IMAGE_BLOCK ? IMAGE_PEER_NONE : below(N_PEERS);
	return list;
}

static const struct entry *find_name(const struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->n_names; i++) {
		if (strcmp(w->names[i].text, name) == 0)
			return &w->names[i];
	}
	return NULL;
}

static void random_world(struct world *w)
{
	unsigned n_names = below(NAMES_MAX + 1);

	*w = (struct world){.flags = IMAGE_FEDERATION_ON | IMAGE_SIP_ON};
	if (below(16) == 0)
		w->flags = below(4);
	for (unsigned i = 0; i < n_names; i++) {
		struct entry *e = &w->names[w->n_names];

		random_name(e->text);
		if (find_name(w, e->text) != NULL)
			continue;
		e->list = random_list(&e->peer);
		e->rule = IMAGE_RULE(1, 1 + i);
		w->n_names++;
	}
	if (below(3) != 0)
		return;
	w->n_patterns = 1 + below(PATTERNS_MAX);
	for (unsigned i = 0; i < w->n_patterns; i++) {
		struct entry *e = &w->patterns[i];

		random_name(e->text);
		e->text[below((unsigned)strlen(e->text))] = below(2) == 0 ? '*' : '?';
		if (below(2) == 0) {
			memmove(e->text + 2, e->text, strlen(e->text) + 1);
			memcpy(e->text, "*.", 2);
		}
		e->list = random_list(&e->peer);
		e->rule = IMAGE_RULE(2, 1 + i);
	}
}

// Often a listed name or a neighbour of one: below it, above it, or only looking like it.
static void random_end(const struct world *w, char out[MODEL_NAME_BYTES])
{
	const char *dot;
	char name[MODEL_NAME_BYTES];

	random_name(name);
	if (w->n_names > 0 && below(3) != 0)
		strcpy(name, w->names[below(w->n_names)].text);
	switch (below(5)) {
	case 0:
		snprintf(out, MODEL_NAME_BYTES, "%s.%s", below(2) == 0 ? "a" : "q", name);
		break;
	case 1:
		snprintf(out, MODEL_NAME_BYTES, "a%s", name);
		break;
	case 2:
		dot = strchr(name, '.');
		strcpy(out, dot != NULL ? dot + 1 : name);
		break;
	default:
		strcpy(out, name);
		break;
	}
	// "axn--…" is a plain label; nothing made here is a bad A-label.
}

static void spell(const char *name, char out[MODEL_NAME_BYTES])
{
	size_t len = strlen(name);
	bool shout = below(3) == 0;

	for (size_t i = 0; i <= len; i++)
		out[i] = (char)(shout && below(2) == 0 ? toupper((unsigned char)name[i]) : name[i]);
	if (below(4) == 0)
		strcpy(out + len, ".");
}

// Of somebody who may have proved the sender, or a host, or have a known certificate; or something
// near one of these.
static void random_card(struct question *q)
{
	static const uint8_t other[IMAGE_FINGERPRINT_BYTES] = {9, 9};
	const char *dot = strchr(q->from, '.');
	unsigned print = below(4);

	card_init(&q->card, print < 2 ? prints_of_3[print] : other, VIEW("CN=somebody"),
		VIEW("CN=authority"), VIEW("01"));
	q->card.trusted = below(4) != 0;
	if (below(2) == 0)
		card_add_name(&q->card, VIEW("a.b.other"), CARD_SAN_URI);
	if (below(4) == 0)
		card_add_name(&q->card, view_string(host_of_2[below(2)]), CARD_SAN_DNS);
	if (below(4) == 0 && dot != NULL)
		card_add_name(&q->card, view_string(dot + 1), CARD_SAN_DNS);
	if (below(2) == 0)
		card_add_name(&q->card, view_string(q->from), CARD_SAN_DNS);
	assert_null(card_check(&q->card));
}

static void random_question(const struct world *w, struct question *q)
{
	random_end(w, q->from);
	random_end(w, q->to);
	spell(q->from, q->from_spelled);
	spell(q->to, q->to_spelled);
	q->side = below(2) == 0 ? SIDE_INSIDE : SIDE_OUTSIDE;
	q->source = below(3) == 0 ? below(N_PEERS + 1) : N_PEERS + 1;
	q->has_card = below(3) == 0;
	if (q->has_card)
		random_card(q);
}

// --- the reference ---

static bool is_below(const char *name, const char *parent)
{
	size_t n = strlen(name), p = strlen(parent);

	return n > p + 1 && strcmp(name + n - p, parent) == 0 && name[n - p - 1] == '.';
}

// Exact beats pattern beats suffix, the longest first; among patterns block wins. Which of several
// patterns of the winning kind is named is free: the one that was is taken if it may be.
static const struct entry *reference_find(
	const struct world *w, const char *name, const struct match *named, enum match_kind *kind)
{
	const struct entry *found = find_name(w, name), *blocking = NULL;

	*kind = MATCH_EXACT;
	if (found != NULL)
		return found;
	*kind = MATCH_PATTERN;
	for (unsigned i = 0; i < w->n_patterns; i++) {
		const struct entry *e = &w->patterns[i];

		if (fnmatch(e->text, name, 0) != 0)
			continue;
		if (found == NULL || e->rule == named->rule)
			found = e;
		if (e->list == IMAGE_BLOCK && (blocking == NULL || e->rule == named->rule))
			blocking = e;
	}
	if (blocking != NULL)
		return blocking;
	if (found != NULL)
		return found;
	*kind = MATCH_SUFFIX;
	for (unsigned i = 0; i < w->n_names; i++) {
		const struct entry *e = &w->names[i];

		if (is_below(name, e->text) &&
			(found == NULL || strlen(e->text) > strlen(found->text)))
			found = e;
	}
	if (found == NULL)
		*kind = MATCH_NONE;
	return found;
}

static bool is_list(const struct entry *e, enum image_list list)
{
	return e != NULL && e->list == list;
}

// The proof of a name, CARD_PROOF_NONE where the card has none such.
static unsigned card_has(const struct card *c, const char *name)
{
	for (unsigned i = 0; i < c->n_names; i++) {
		if (c->names[i].len == strlen(name) &&
			memcmp(c->text + c->names[i].offset, name, strlen(name)) == 0)
			return c->proofs[i];
	}
	return CARD_PROOF_NONE;
}

// RFC 5922 §7.1: a dNSName is no domain where a SAN URI says which there are.
static bool card_has_domain(const struct card *c, const char *name)
{
	bool has_uri = false;

	for (unsigned i = 0; i < c->n_names; i++)
		has_uri |= c->proofs[i] == CARD_SAN_URI;
	return card_has(c, name) == (has_uri ? CARD_SAN_URI : CARD_SAN_DNS);
}

// RFC 5922 §7.2, FEATURES T2.
static bool reference_proves(const struct card *c, uint32_t peer, const char *from)
{
	if (peer == 3)
		return memcmp(c->fingerprint, prints_of_3[0], sizeof(prints_of_3[0])) == 0 ||
			memcmp(c->fingerprint, prints_of_3[1], sizeof(prints_of_3[1])) == 0;
	if (!c->trusted)
		return false;
	if (peer == 2)
		return card_has(c, host_of_2[0]) || card_has(c, host_of_2[1]);
	return card_has_domain(c, from);
}

static enum reason reference_reason(const struct world *w, const struct question *q,
	const struct entry *from, const struct entry *to)
{
	bool between_locals = is_list(from, IMAGE_LOCAL) && is_list(to, IMAGE_LOCAL);

	if (!between_locals || q->side != SIDE_INSIDE) {
		if ((w->flags & IMAGE_FEDERATION_ON) == 0)
			return REASON_federation_off;
		if ((w->flags & IMAGE_SIP_ON) == 0)
			return REASON_sip_off;
	}
	if (is_list(from, IMAGE_BLOCK))
		return REASON_from_blocked;
	if (is_list(to, IMAGE_BLOCK))
		return REASON_to_blocked;
	if (from == NULL)
		return REASON_from_unlisted;
	if (is_list(from, IMAGE_LOCAL) && q->side == SIDE_OUTSIDE)
		return REASON_from_local_outside;
	if (is_list(from, IMAGE_ALLOW) && q->side == SIDE_INSIDE)
		return REASON_from_remote_inside;
	if (q->has_card && !reference_proves(&q->card, from->peer, q->from))
		return REASON_identity_unproved;
	if (!q->has_card && q->source <= N_PEERS && q->source != from->peer)
		return REASON_source_undeclared;
	if (to == NULL)
		return REASON_to_unlisted;
	if (between_locals)
		return REASON_allowed_local;
	if (is_list(from, IMAGE_ALLOW) && is_list(to, IMAGE_ALLOW))
		return REASON_remote_to_remote;
	return REASON_allowed_partner;
}

static bool match_agrees(const struct match *m, const struct entry *e, enum match_kind kind)
{
	return m->kind == kind && (e == NULL || (m->rule == e->rule && m->list == e->list));
}

static bool agrees(const struct world *w, const struct question *q, const struct verdict *v)
{
	enum match_kind from_kind, to_kind;
	const struct entry *from = reference_find(w, q->from, &v->from, &from_kind);
	const struct entry *to = reference_find(w, q->to, &v->to, &to_kind);
	enum reason reason = reference_reason(w, q, from, to);
	bool allowed = reason == REASON_allowed_local || reason == REASON_allowed_partner;

	if (v->reason != (uint16_t)reason || v->allowed != allowed)
		return false;
	if (reason == REASON_federation_off || reason == REASON_sip_off)
		return true;
	if (!match_agrees(&v->from, from, from_kind) || !match_agrees(&v->to, to, to_kind))
		return false;
	return !allowed ||
		(v->peer == to->peer &&
			v->egress == (to->list == IMAGE_LOCAL ? SIDE_INSIDE : SIDE_OUTSIDE));
}

// --- the run ---

static void print_world(const struct world *w)
{
	static const char *const lists[] = {"local", "allow", "block"};

	print_error("flags %u\n", w->flags);
	for (unsigned i = 0; i < w->n_names; i++)
		print_error("  %s %s rule %x\n", lists[w->names[i].list], w->names[i].text,
			w->names[i].rule);
	for (unsigned i = 0; i < w->n_patterns; i++)
		print_error("  %s pattern %s rule %x\n", lists[w->patterns[i].list],
			w->patterns[i].text, w->patterns[i].rule);
}

static void set_identities(struct builder *b)
{
	struct domain hosts[2];

	assert_int_equal(domain_canonical(view_string(host_of_2[0]), &hosts[0]), 0);
	assert_int_equal(domain_canonical(view_string(host_of_2[1]), &hosts[1]), 0);
	assert_int_equal(builder_set_hosts(b, 2, hosts, 2), 0);
	assert_int_equal(builder_set_fingerprints(b, 3, prints_of_3, 2), 0);
}

static void build_world(const struct world *w, struct fixture *f)
{
	struct builder_settings settings = {.flags = w->flags, .body_bytes_max = 1000};
	struct builder *b;

	for (size_t i = 0; i < sizeof(settings.relay_key); i++)
		settings.relay_key[i] = (uint8_t)below(256);
	b = builder_new(&settings);
	assert_non_null(b);
	assert_int_equal(builder_add_source(b, VIEW("peers")), 0);
	assert_int_equal(builder_add_source(b, VIEW("names")), 1);
	assert_int_equal(builder_add_source(b, VIEW("patterns")), 2);
	for (unsigned i = 0; i < N_PEERS; i++) {
		char hop[32], source[32];

		snprintf(hop, sizeof(hop), "10.%u.0.1", i);
		snprintf(source, sizeof(source), "10.%u.0.0/16", i);
		assert_int_equal(fixture_add_peer(b, hop, source, IMAGE_RULE(0, i)), i);
	}
	set_identities(b);
	for (unsigned i = 0; i < w->n_names; i++)
		fixture_add_name(b, view_string(w->names[i].text), w->names[i].list,
			w->names[i].peer, w->names[i].rule);
	for (unsigned i = 0; i < w->n_patterns; i++) {
		const struct entry *e = &w->patterns[i];
		char error[PATTERN_ERROR_BYTES] = "";

		if (builder_add_wildcard(
			    b, view_string(e->text), e->list, e->peer, e->rule, error) != 0)
			fail_msg("%s: %s", e->text, error);
	}
	fixture_init(f, b, below(2) == 0 ? 0 : 16);
	builder_free(b);
}

static struct policy_query query_of(const struct question *q)
{
	struct policy_query query = {.from = view_string(q->from_spelled),
		.to = view_string(q->to_spelled),
		.side = (uint8_t)q->side,
		.card = q->has_card ? &q->card : NULL};
	char source[32];

	if (q->has_card && below(4) > 0)
		query.card_serial = mix_bytes(1, (const uint8_t *)&q->card, sizeof(q->card));

	if (q->source <= N_PEERS) {
		snprintf(source, sizeof(source), "10.%u.7.9", q->source);
		assert_int_equal(ip_parse(view_string(source), &query.source), 0);
	}
	return query;
}

static void every_world_is_judged_as_the_reference_judges_it(void **state)
{
	static struct question questions[N_QUERIES];
	const char *given = getenv("FEDRELAY_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	unsigned n_by_reason[REASON_N] = {0};

	(void)state;
	printf("FEDRELAY_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed * 0x9e3779b97f4a7c15 | 1;
	for (unsigned world = 0; world < N_WORLDS; world++) {
		struct policy_query query[64];
		struct verdict verdict[64];
		struct fixture f;
		struct world w;

		random_world(&w);
		build_world(&w, &f);
		for (unsigned i = 0; i < N_QUERIES; i++)
			random_question(&w, &questions[i]);
		for (unsigned done = 0, n; done < N_QUERIES; done += n) {
			n = 1 + below(64);
			if (n > N_QUERIES - done)
				n = N_QUERIES - done;
			for (unsigned i = 0; i < n; i++)
				query[i] = query_of(&questions[done + i]);
			policy_decide(f.decider, query, verdict, n);
			for (unsigned i = 0; i < n; i++) {
				const struct question *q = &questions[done + i];

				n_by_reason[verdict[i].reason]++;
				if (agrees(&w, q, &verdict[i]))
					continue;
				print_world(&w);
				fail_msg("seed %llu: from %s to %s side %d source %u: %s, "
					 "from kind %u rule %x, to kind %u rule %x",
					(unsigned long long)seed, q->from_spelled, q->to_spelled,
					q->side, q->source, reason_name(verdict[i].reason),
					verdict[i].from.kind, verdict[i].from.rule,
					verdict[i].to.kind, verdict[i].to.rule);
			}
		}
		fixture_fini(&f);
	}
	// The worlds must be worth asking: every outcome occurs.
	assert_int_not_equal(n_by_reason[REASON_allowed_local], 0);
	assert_int_not_equal(n_by_reason[REASON_allowed_partner], 0);
	assert_int_not_equal(n_by_reason[REASON_from_blocked], 0);
	assert_int_not_equal(n_by_reason[REASON_to_blocked], 0);
	assert_int_not_equal(n_by_reason[REASON_from_unlisted], 0);
	assert_int_not_equal(n_by_reason[REASON_to_unlisted], 0);
	assert_int_not_equal(n_by_reason[REASON_from_local_outside], 0);
	assert_int_not_equal(n_by_reason[REASON_from_remote_inside], 0);
	assert_int_not_equal(n_by_reason[REASON_remote_to_remote], 0);
	assert_int_not_equal(n_by_reason[REASON_source_undeclared], 0);
	assert_int_not_equal(n_by_reason[REASON_identity_unproved], 0);
	assert_int_not_equal(n_by_reason[REASON_federation_off], 0);
	assert_int_equal(n_by_reason[REASON_domain_invalid], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_world_is_judged_as_the_reference_judges_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
