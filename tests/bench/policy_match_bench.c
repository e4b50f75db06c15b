// SPDX-License-Identifier: BSD-3-Clause
// One look-up of a domain among 10 to a million names, with and without a thousand patterns; the
// building and the opening of the image that holds them; and Hyperscan alone over the same
// patterns. Half the look-ups name a listed domain or a sub-domain of one. zipf: ten thousand
// active domains, the k-th drawn in proportion to 1/k. uniform: every domain as likely as another.
//
// Names are the shared list of real ones, where it is there, filled up with made-up ones.

#include "control/policy/builder.h"
#include "lib/policy/match.h"
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_NAMES_MAX  1000000
#define N_PATTERNS   1000
#define N_ACTIVE     10000
#define N_QUERIES    (1 << 20)
#define BURST        64
#define CACHE_SLOTS  32768
#define HUGE_PAGE    (2UL << 20)
#define TEXT_BYTES   80
#define REAL_NAMES   SHARED_DATA_DIR "/domains/blocklist-140k.txt"
#define N_IMAGE_RUNS 5
#define SUB_DOMAIN   "sip."

struct text {
	char bytes[TEXT_BYTES];
};

struct queries {
	struct view *views;
	struct text *texts;
	uint32_t n;
	uint32_t n_listed;
};

struct policy_under_test {
	struct policy policy;
	void *bytes;
	size_t n_bytes;
};

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "policy_match: %s\n", what);
	exit(1);
}

static void *allocate(size_t n, size_t item)
{
	void *p = calloc(n, item);

	demand(p != NULL, "out of memory");
	return p;
}

static void make_up(struct text *text, uint32_t n, const char *top)
{
	static const char *const words[] = {"mail", "web", "shop", "cloud", "sip", "media", "north",
		"river", "blue", "data", "core", "edge", "green", "prime", "soft", "line"};

	snprintf(text->bytes, sizeof(text->bytes), "%s%s-%u.%s%s", words[n % 16],
		words[n / 16 % 16], n, n % 3 == 0 ? "corp." : "", top);
}

// Real names first, then made-up ones, in an order without meaning: any number of first ones has
// both sorts in the same measure.
static struct text *read_names(void)
{
	struct text *names = allocate(N_NAMES_MAX, sizeof(*names));
	FILE *file = fopen(REAL_NAMES, "r");
	char line[300];
	uint32_t n = 0;

	while (file != NULL && n < N_NAMES_MAX && fgets(line, sizeof(line), file) != NULL) {
		size_t len = strcspn(line, "\r\n");
		struct domain domain;

		if (len >= TEXT_BYTES - strlen(SUB_DOMAIN) ||
			domain_canonical(view_of(line, len), &domain) != 0)
			continue;
		memcpy(names[n++].bytes, line, len);
	}
	if (file != NULL)
		fclose(file);
	else
		bench_skip("no %s: all names are made up", REAL_NAMES);
	for (; n < N_NAMES_MAX; n++)
		make_up(&names[n], n, "example");
	for (uint32_t i = N_NAMES_MAX - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(next_random() % (i + 1));
		struct text swap = names[i];

		names[i] = names[j];
		names[j] = swap;
	}
	return names;
}

static void add_patterns(struct builder *b)
{
	static const char *const wildcards[] = {
		"*.promo%u-*.example", "win%u-*.net", "*.ads%u.*", "x?%u.casino.*"};

	for (unsigned i = 0; i < N_PATTERNS; i++) {
		char text[64], error[PATTERN_ERROR_BYTES];
		int rc;

		if (i % 5 == 4) {
			snprintf(text, sizeof(text), "^srv[0-9]{2,4}-%u\\.(com|net|org)$", i);
			rc = builder_add_regex(b, view_string(text), IMAGE_BLOCK, IMAGE_PEER_NONE,
				IMAGE_RULE_NONE, error);
		} else {
			char *at = text;

			at += snprintf(text, sizeof(text), "%.*s%u%s",
				(int)(strstr(wildcards[i % 5], "%u") - wildcards[i % 5]),
				wildcards[i % 5], i, strstr(wildcards[i % 5], "%u") + 2);
			rc = builder_add_wildcard(b, view_of(text, (size_t)(at - text)),
				IMAGE_BLOCK, IMAGE_PEER_NONE, IMAGE_RULE_NONE, error);
		}
		demand(rc == 0, "a pattern is refused");
	}
}

// A sealed image, and what making it cost.
static int build(const struct text *names, uint32_t n_names, bool with_patterns, double *ns)
{
	struct builder_settings settings = {.relay_key = {42}};
	uint64_t start = bench_now_ns();
	struct builder *b = builder_new(&settings);
	struct image_info info;
	int fd;

	demand(b != NULL, "out of memory");
	for (uint32_t i = 0; i < n_names; i++) {
		struct domain domain;
		enum image_list list;
		image_rule_id rule;

		demand(domain_canonical(view_string(names[i].bytes), &domain) == 0, "no name");
		// The list has some names twice.
		builder_add_name(
			b, &domain, IMAGE_BLOCK, IMAGE_PEER_NONE, IMAGE_RULE_NONE, &list, &rule);
	}
	if (with_patterns)
		add_patterns(b);
	fd = builder_finish(b, 1, &info);
	demand(fd >= 0, "no image");
	builder_free(b);
	*ns = (double)(bench_now_ns() - start);
	return fd;
}

// Copies the image to huge pages, as the dataplane does, and opens it.
static void open_image(struct policy_under_test *p, int fd, double *ns)
{
	uint64_t start;
	const char *error;
	size_t room;

	p->n_bytes = (size_t)lseek(fd, 0, SEEK_END);
	room = (p->n_bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	p->bytes = aligned_alloc(HUGE_PAGE, room);
	demand(p->bytes != NULL, "out of memory");
	madvise(p->bytes, room, MADV_HUGEPAGE);
	for (size_t at = 0; at < p->n_bytes;) {
		ssize_t n = pread(fd, (uint8_t *)p->bytes + at, p->n_bytes - at, (off_t)at);

		demand(n > 0, "cannot read the image");
		at += (size_t)n;
	}
	start = bench_now_ns();
	p->policy.image = image_open(p->bytes, p->n_bytes, &error);
	*ns = (double)(bench_now_ns() - start);
	demand(p->policy.image != NULL, error);
}

static void close_image(struct policy_under_test *p)
{
	hs_free_database((hs_database_t *)(uintptr_t)p->policy.database);
	image_close((struct image *)(uintptr_t)p->policy.image);
	free(p->bytes);
}

// k with a probability in proportion to 1/(k+1), k < n.
static uint32_t zipf(const double *cumulated, uint32_t n)
{
	double at = (double)(next_random() >> 11) / (double)(UINT64_C(1) << 53) * cumulated[n - 1];
	uint32_t low = 0, high = n - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (cumulated[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_query(struct queries *q, const struct text *names, uint32_t n_names, uint32_t draw)
{
	struct text *text = &q->texts[q->n];

	if (draw % 2 == 0) {
		const struct text *name = &names[draw / 2 % n_names];
		size_t prefix = draw / 2 % 4 == 0 ? strlen(SUB_DOMAIN) : 0;

		memcpy(text->bytes, SUB_DOMAIN, prefix);
		memcpy(text->bytes + prefix, name->bytes, TEXT_BYTES - strlen(SUB_DOMAIN));
		q->n_listed++;
	} else {
		make_up(text, draw, n_names % 2 ? "org" : "net");
	}
	q->views[q->n++] = view_string(text->bytes);
}

static void make_queries(
	struct queries *q, const struct text *names, uint32_t n_names, bool uniform)
{
	double *cumulated = allocate(N_ACTIVE, sizeof(*cumulated));

	for (uint32_t k = 0; k < N_ACTIVE; k++)
		cumulated[k] = (k > 0 ? cumulated[k - 1] : 0) + 1.0 / (k + 1);
	q->n = 0;
	q->n_listed = 0;
	while (q->n < N_QUERIES) {
		uint32_t draw = uniform ? (uint32_t)(next_random() % (2 * N_NAMES_MAX))
					: zipf(cumulated, N_ACTIVE);

		add_query(q, names, n_names, draw);
	}
	free(cumulated);
}

static uint64_t look_up_all(struct matcher *m, const struct queries *q)
{
	struct match matches[BURST];
	uint64_t n_found = 0;

	for (uint32_t i = 0; i < q->n; i += BURST) {
		matcher_find(m, q->views + i, matches, BURST);
		for (unsigned k = 0; k < BURST; k++)
			n_found += matches[k].kind < MATCH_NONE;
	}
	return n_found;
}

static void time_look_ups(const struct policy *policy, const struct queries *q, const char *name,
	const char *baseline, const struct bench_samples *baseline_samples)
{
	struct bench_samples samples = {0};
	struct matcher *m = matcher_new(policy, CACHE_SLOTS);
	uint64_t n_found;

	demand(m != NULL, "out of memory");
	n_found = look_up_all(m, q);
	demand(n_found == q->n_listed, "look-ups find too much or too little");
	for (unsigned run = 0; run < BENCH_RUNS; run++) {
		uint64_t start = bench_now_ns();

		demand(look_up_all(m, q) == n_found, "look-ups differ");
		bench_add(&samples, (double)(bench_now_ns() - start) / q->n);
	}
	bench_report(name, &samples, 1e9, "look-ups/s", baseline, baseline_samples);
	matcher_free(m);
}

static int ignore_match(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	(void)id;
	(void)from;
	(void)to;
	(void)flags;
	(void)context;
	return 0;
}

static void time_hyperscan(
	const hs_database_t *database, const struct queries *q, struct bench_samples *samples)
{
	hs_scratch_t *scratch = NULL;

	demand(hs_alloc_scratch(database, &scratch) == HS_SUCCESS, "no scratch");
	for (unsigned run = 0; run <= BENCH_RUNS; run++) {
		uint64_t start = bench_now_ns();

		for (uint32_t i = 0; i < q->n; i++)
			hs_scan(database, (const char *)q->views[i].at, (unsigned)q->views[i].len,
				0, scratch, ignore_match, NULL);
		if (run > 0) // the first one warms up
			bench_add(samples, (double)(bench_now_ns() - start) / q->n);
	}
	hs_free_scratch(scratch);
	bench_report("hyperscan alone, 1000 patterns", samples, 1e9, "look-ups/s", NULL, NULL);
}

static void time_image(
	const struct text *names, uint32_t n_names, bool with_patterns, struct policy_under_test *p)
{
	struct bench_samples built = {0}, opened = {0};
	char name[64];

	for (unsigned run = 0; run < N_IMAGE_RUNS; run++) {
		double ns;
		int fd = build(names, n_names, with_patterns, &ns);

		bench_add(&built, ns);
		if (run > 0)
			close_image(p);
		open_image(p, fd, &ns);
		bench_add(&opened, ns);
		close(fd);
	}
	if (n_names < N_NAMES_MAX)
		return;
	snprintf(name, sizeof(name), "build image, %u names, %u patterns", n_names,
		with_patterns ? N_PATTERNS : 0);
	bench_report(name, &built, 1e9, "images/s", NULL, NULL);
	snprintf(name, sizeof(name), "open image, %u names, %u patterns", n_names,
		with_patterns ? N_PATTERNS : 0);
	bench_report(name, &opened, 1e9, "images/s", NULL, NULL);
}

static void run_case(const struct text *names, uint32_t n_names, bool with_patterns,
	struct queries *q, struct bench_samples *hyperscan)
{
	struct policy_under_test p = {0};
	struct patterns_error error;
	hs_database_t *database = NULL;

	time_image(names, n_names, with_patterns, &p);
	demand(patterns_compile(p.policy.image, &database, &error) == 0, "patterns do not compile");
	p.policy.database = database;
	for (unsigned uniform = 0; uniform < 2; uniform++) {
		char name[64];

		make_queries(q, names, n_names, uniform);
		if (with_patterns && hyperscan->n == 0)
			time_hyperscan(database, q, hyperscan);
		snprintf(name, sizeof(name), "%u names, %u patterns, %s", n_names,
			with_patterns ? N_PATTERNS : 0, uniform ? "uniform" : "zipf");
		time_look_ups(&p.policy, q, name,
			with_patterns ? "hyperscan alone, 1000 patterns" : NULL, hyperscan);
	}
	close_image(&p);
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = {10, 1000, 100000, N_NAMES_MAX};
	struct bench_samples hyperscan = {0};
	struct queries q = {0};
	struct text *names;

	bench_init(argc, argv, "policy_match");
	names = read_names();
	q.views = allocate(N_QUERIES, sizeof(*q.views));
	q.texts = allocate(N_QUERIES, sizeof(*q.texts));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (bench_quick() && sizes[i] > 100000)
			continue;
		run_case(names, sizes[i], false, &q, &hyperscan);
		run_case(names, sizes[i], true, &q, &hyperscan);
	}
	free(q.views);
	free(q.texts);
	free(names);
	return 0;
}
