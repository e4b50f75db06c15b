// SPDX-License-Identifier: BSD-3-Clause

#include "tests/script/player.h"

#include "tests/unit/test.h"

#define MS UINT64_C(1000000)

struct player *player_new(const struct source *source, const struct variant *variant)
{
	struct player *p = calloc(1, sizeof(*p));
	bool v4 = variant->family == IP_V4;

	if (p == NULL)
		abort();
	p->source = source;
	p->world = world_new(variant);
	p->peer = world_peer(p->world, 0);
	// What an IP header takes of an MTU, and the MSS of an Ethernet.
	value_set(&p->values, "ip", v4 ? 20 : 40);
	value_set(&p->values, "eth", v4 ? 1460 : 1440);
	value_set(&p->values, "wraps", variant->wraps);
	return p;
}

void player_free(struct player *p)
{
	for (unsigned i = 0; i < TCP_BURST; i++)
		free(p->burst_payloads[i]);
	world_free(p->world);
	free(p);
}

void player_fail(struct player *p, const char *format, ...)
{
	const struct world *w = p->world;
	unsigned n = w->n_logged < WORLD_LOG_LINES ? w->n_logged : WORLD_LOG_LINES;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_error("%s:%u: %s\n  ", p->line->file, p->line->number, text);
	for (unsigned i = 0; i < p->line->n_words; i++)
		print_error(" %s", p->line->words[i]);
	print_error("\n");
	for (unsigned i = p->depth; i-- > 0;)
		print_error("    used in %s:%u\n", p->callers[i]->file, p->callers[i]->number);
	print_error("    at %llu ms; the last segments:\n", (unsigned long long)world_ms(w));
	for (unsigned i = w->n_logged - n; i < w->n_logged; i++)
		print_error("      %s\n", w->log[i % WORLD_LOG_LINES]);
	fail();
	abort();
}

int64_t player_number(struct player *p, const char *word)
{
	int64_t value;

	if (!value_read(&p->values, word, &value))
		player_fail(p, "not a number: %s", word);
	return value;
}

const char *player_word(struct player *p, const struct source_line *line, unsigned i)
{
	if (i >= line->n_words)
		player_fail(p, "a word is missing");
	return line->words[i];
}

int64_t player_number_at(struct player *p, const struct source_line *line, unsigned i)
{
	return player_number(p, player_word(p, line, i));
}

bool player_tick(struct player *p, uint64_t end)
{
	struct world *w = p->world;

	if (w->now >= end)
		return false;
	world_advance(w, end - w->now < MS ? end - w->now : MS);
	if (w->complaint[0] != '\0')
		player_fail(p, "never: %s", w->complaint);
	return true;
}

static void play(struct player *p, unsigned first, unsigned last);

static void use(struct player *p, const struct source_line *line)
{
	const struct source_block *macro =
		line->n_words > 1 ? source_define(p->source, line->words[1]) : NULL;

	if (macro == NULL)
		player_fail(p, "no such macro");
	if (macro->head->n_words != line->n_words)
		player_fail(p, "it takes %u values", macro->head->n_words - 2);
	if (p->depth == PLAYER_DEPTH_MAX)
		player_fail(p, "macros too deep");
	for (unsigned i = 2; i < line->n_words; i++) {
		if (!value_set(&p->values, macro->head->words[i], player_number(p, line->words[i])))
			player_fail(p, "not a name: %s", macro->head->words[i]);
	}
	p->callers[p->depth++] = line;
	play(p, macro->first, macro->last);
	p->depth--;
}

// repeat N as NAME ... end
static void repeat(struct player *p, const struct source_line *line, unsigned first, unsigned last)
{
	int64_t n;

	if (line->n_words != 4 || strcmp(line->words[2], "as") != 0)
		player_fail(p, "repeat N as NAME");
	n = player_number(p, line->words[1]);
	for (int64_t i = 0; i < n; i++) {
		if (!value_set(&p->values, line->words[3], i))
			player_fail(p, "not a name: %s", line->words[3]);
		play(p, first, last);
	}
}

static void burst(struct player *p, unsigned first, unsigned last)
{
	p->n_burst = 0;
	p->bursts = true;
	play(p, first, last);
	p->bursts = false;
	world_input(p->world, p->burst_peers, p->burst, p->n_burst);
}

static void let(struct player *p, const struct source_line *line)
{
	if (line->n_words != 3)
		player_fail(p, "let NAME VALUE");
	if (!value_set(&p->values, line->words[1], player_number(p, line->words[2])))
		player_fail(p, "not a name: %s", line->words[1]);
}

static void play(struct player *p, unsigned first, unsigned last)
{
	for (unsigned i = first; i < last; i++) {
		const struct source_line *line = &p->source->lines[i];
		const char *word = line->words[0];

		p->line = line;
		if (strcmp(word, "use") == 0) {
			use(p, line);
		} else if (strcmp(word, "let") == 0) {
			let(p, line);
		} else if (strcmp(word, "repeat") == 0 || strcmp(word, "burst") == 0) {
			unsigned end = source_end(p->source, i, last);

			if (word[0] == 'r')
				repeat(p, line, i + 1, end);
			else
				burst(p, i + 1, end);
			i = end;
		} else if (!player_act(p, line)) {
			player_fail(p, "no such statement");
		}
		if (p->world->complaint[0] != '\0')
			player_fail(p, "never: %s", p->world->complaint);
	}
}

// All was said that came, and nothing is left over.
static void finish(struct player *p)
{
	struct world *w = p->world;

	if (w->tcp == NULL)
		player_fail(p, "nothing happens in this case");
	if (world_next_sent(w) != NULL)
		player_fail(p, "a segment came that the script does not expect");
	for (unsigned i = 0; i < WORLD_PEERS_MAX; i++) {
		struct peer *peer = w->peers[i];

		if (peer != NULL && (peer->events & (TCP_OPENED | TCP_CLOSED)) != 0)
			player_fail(p,
				"peer %u: an event came that the script does not expect: %s%s", i,
				(peer->events & TCP_OPENED) != 0 ? "opened" : "closed ",
				(peer->events & TCP_CLOSED) != 0 ? reason_name(peer->reason) : "");
	}
	world_finish(w);
	if (w->complaint[0] != '\0')
		player_fail(p, "after the end: %s", w->complaint);
}

void player_case(struct player *p, const struct source_block *block)
{
	p->line = block->head;
	play(p, block->first, block->last);
	finish(p);
}

void player_cell(struct player *p, const struct source_cell *cell)
{
	const char *names[] = {cell->column, cell->row, cell->cell};

	for (unsigned i = 0; i < 3; i++) {
		const struct source_block *macro = source_define(p->source, names[i]);

		p->line = cell->line;
		p->callers[0] = cell->line;
		p->depth = 1;
		play(p, macro->first, macro->last);
	}
	finish(p);
}
