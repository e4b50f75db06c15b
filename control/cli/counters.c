// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#include <getopt.h>
#include <string.h>

struct counters {
	bool all, one_worker;
	unsigned long worker;
};

static void print_counters(const json_t *counters, const json_t *texts, bool all)
{
	struct table *t = table_new("count>|counter|meaning");
	json_t *object = (json_t *)(uintptr_t)counters; // jansson's iterators know no const

	for (void *at = json_object_iter(object); at != NULL;
		at = json_object_iter_next(object, at)) {
		const char *name = json_object_iter_key(at);
		json_int_t value = json_integer_value(json_object_iter_value(at));
		struct cell c = cell_number((uint64_t)value);
		const char *cells[] = {c.text, name, reply_text(texts, name)};

		if (all || value != 0)
			table_add(t, cells);
	}
	table_print(t);
}

static void print_workers(const json_t *workers)
{
	struct table *t = table_new("worker>|frames in>|frames out>|bytes in>|bytes "
				    "out>|busy>|steered in>|hash disagreed>");
	const json_t *w;
	size_t i;

	for (i = 0; (w = json_array_get(workers, i)) != NULL; i++) {
		struct cell c[] = {
			cell_number(reply_number(w, "worker")),
			cell_number(reply_number(w, "rx_frames")),
			cell_number(reply_number(w, "tx_frames")),
			cell_number(reply_number(w, "rx_bytes")),
			cell_number(reply_number(w, "tx_bytes")),
			cell_duration(reply_number(w, "busy_ns")),
			cell_number(reply_number(w, "steered_in")),
			cell_number(reply_number(w, "hash_disagreed")),
		};
		const char *cells[] = {c[0].text, c[1].text, c[2].text, c[3].text, c[4].text,
			c[5].text, c[6].text, c[7].text};

		table_add(t, cells);
	}
	table_print(t);
}

static bool parse(struct counters *c, int argc, char *argv[])
{
	static const struct option rows[] = {
		{"all", no_argument, NULL, 'a'},
		{"worker", required_argument, NULL, 'w'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (option == 'a') {
			c->all = true;
		} else if (option == 'w' &&
			(strcmp(optarg, "0") == 0 || parse_count(optarg, 1000, &c->worker))) {
			c->one_worker = true;
		} else {
			return false;
		}
	}
	return optind == argc;
}

static int print_reply(const json_t *reply, const struct counters *c)
{
	const json_t *workers = json_object_get(reply, "workers");
	const json_t *counters = json_object_get(reply, "counters");

	if (c->one_worker) {
		counters = json_object_get(json_array_get(workers, c->worker), "counters");
		if (counters == NULL) {
			fprintf(stderr, "fedctl: there is no worker %lu\n", c->worker);
			return FEDCTL_FAILED;
		}
	}
	print_workers(workers);
	puts("");
	print_counters(counters, json_object_get(reply, "texts"), c->all);
	return FEDCTL_OK;
}

int counters_run(const struct fedctl *f, int argc, char *argv[])
{
	struct counters c = {0};
	json_t *reply;
	int exit_code;

	if (!parse(&c, argc, argv))
		return usage_error("counters takes --all and --worker with a number");
	reply = call_and_check(f, json_pack("{s:s}", "command", "counters"), &exit_code);
	if (reply != NULL)
		exit_code = print_reply(reply, &c);
	json_decref(reply);
	return exit_code;
}
