// SPDX-License-Identifier: BSD-3-Clause
// Plays every case of a script as a cmocka test, once for each variant of the world.
//   tcp-script SCRIPT [WORD]      only cases whose name contains WORD

#include "tests/script/player.h"
#include "tests/unit/test.h"

static const struct variant variants[] = {
	{"IPv4", IP_V4, false, false},
	{"IPv6", IP_V6, false, false},
	{"IPv4, all numbers wrap, device cuts", IP_V4, true, true},
};
#define N_VARIANTS (sizeof(variants) / sizeof(variants[0]))

struct job {
	const struct source *source;
	const struct variant *variant;
	const struct source_block *block; // NULL: a cell
	const struct source_cell *cell;
	char name[256];
	struct player *player;
};

static void run(void **state)
{
	struct job *job = *state;

	job->player = player_new(job->source, job->variant);
	if (job->block != NULL)
		player_case(job->player, job->block);
	else
		player_cell(job->player, job->cell);
}

static int tear_down(void **state)
{
	struct job *job = *state;

	player_free(job->player);
	return 0;
}

// A name of a macro reads as words.
static void name_cell(const struct source_cell *c, char *name, size_t n_bytes)
{
	snprintf(name, n_bytes, "%s in %s %s", c->row, c->column, c->cell);
	for (; *name != '\0'; name++)
		*name = *name == '_' ? ' ' : *name;
}

static void name_job(struct job *job)
{
	char name[200];

	if (job->block != NULL)
		snprintf(name, sizeof(name), "%s", job->block->name);
	else
		name_cell(job->cell, name, sizeof(name));
	snprintf(job->name, sizeof(job->name), "%s (%s)", name, job->variant->name);
}

int main(int argc, char **argv)
{
	// Kept until the end, which LeakSanitizer sees.
	static struct CMUnitTest *tests;
	static struct source *source;
	static struct job *jobs;
	unsigned n = 0, n_all;

	if (argc < 2) {
		fprintf(stderr, "usage: %s SCRIPT [WORD]\n", argv[0]);
		return 2;
	}
	source = source_read(argv[1]);
	n_all = source->n_cases + source->n_cells;
	jobs = calloc(n_all * N_VARIANTS, sizeof(*jobs));
	tests = calloc(n_all * N_VARIANTS, sizeof(*tests));
	if (jobs == NULL || tests == NULL)
		abort();
	for (unsigned i = 0; i < n_all * N_VARIANTS; i++) {
		unsigned at = i / N_VARIANTS;
		struct job *job = &jobs[n];

		*job = (struct job){.source = source, .variant = &variants[i % N_VARIANTS]};
		if (at < source->n_cases)
			job->block = &source->cases[at];
		else
			job->cell = &source->cells[at - source->n_cases];
		name_job(job);
		if (argc > 2 && strstr(job->name, argv[2]) == NULL)
			continue;
		tests[n++] = (struct CMUnitTest){job->name, run, NULL, tear_down, job};
	}
	return _cmocka_run_group_tests(argv[1], tests, n, NULL, NULL);
}
