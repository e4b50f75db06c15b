// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#include <string.h>

#define TOP_DEFAULT 20
#define TOP_MAX     10000

static void print_hits(const json_t *reply)
{
	struct table *t = table_new("hits>|list|entry|rule");
	const json_t *row;
	size_t i;

	for (i = 0; (row = json_array_get(json_object_get(reply, "hits"), i)) != NULL; i++) {
		struct cell c = cell_number(reply_number(row, "hits"));
		struct rule_text rule = reply_rule(row, "rule");
		const char *cells[] = {
			c.text, reply_text(row, "list"), reply_text(row, "entry"), rule.text};

		table_add(t, cells);
	}
	table_print(t);
	if (json_array_size(json_object_get(reply, "hits")) == 0)
		printf("no entry of revision %" PRIu64 " has decided anything yet\n",
			reply_number(reply, "generation"));
}

int hits_run(const struct fedctl *f, int argc, char *argv[])
{
	unsigned long top = TOP_DEFAULT;
	json_t *reply;
	int exit_code;

	if (parse_top(argc, argv, TOP_MAX, &top) != FEDCTL_OK)
		return FEDCTL_USAGE;
	reply = call_and_check(
		f, json_pack("{s:s, s:i}", "command", "hits", "top", (int)top), &exit_code);
	if (reply != NULL)
		print_hits(reply);
	json_decref(reply);
	return exit_code;
}
