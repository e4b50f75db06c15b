// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/call.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#include <pwd.h>
#include <string.h>

#define TOP_DEFAULT 20
#define TOP_MAX     200

static void print_revisions(const json_t *reply)
{
	struct table *t =
		table_new(" |revision>|published|by|state|names>|patterns>|document|comment");
	const json_t *row;
	size_t i;

	for (i = 0; (row = json_array_get(json_object_get(reply, "revisions"), i)) != NULL; i++) {
		const struct passwd *pw = getpwuid((uid_t)reply_number(row, "uid"));
		struct cell number = cell_number(reply_number(row, "number"));
		struct cell when = cell_time((int64_t)reply_number(row, "time"));
		struct cell names = cell_number(reply_number(row, "names"));
		struct cell patterns = cell_number(reply_number(row, "patterns"));
		const char *error = reply_text(row, "error");
		const char *cells[] = {reply_is(row, "current") ? "*" : " ", number.text, when.text,
			pw != NULL ? pw->pw_name : "?", reply_text(row, "state"), names.text,
			patterns.text, reply_text(row, "name"),
			error[0] != '\0' ? error : reply_text(row, "comment")};

		table_add(t, cells);
	}
	table_print(t);
	if (json_array_size(json_object_get(reply, "revisions")) == 0)
		puts("nothing has been published yet");
}

int revisions_run(const struct fedctl *f, int argc, char *argv[])
{
	unsigned long top = TOP_DEFAULT;
	json_t *reply;
	int exit_code;

	if (parse_top(argc, argv, TOP_MAX, &top) != FEDCTL_OK)
		return FEDCTL_USAGE;
	reply = call_and_check(
		f, json_pack("{s:s, s:i}", "command", "revisions", "top", (int)top), &exit_code);
	if (reply != NULL)
		print_revisions(reply);
	json_decref(reply);
	return exit_code;
}

int document_run(const struct fedctl *f, int argc, char *argv[])
{
	unsigned long number = 0;
	json_t *request, *reply;
	int exit_code;

	if (argc > 2 || (argc == 2 && !parse_count(argv[1], 1UL << 62, &number)))
		return usage_error("document takes the number of a revision, or nothing");
	request = json_pack("{s:s}", "command", "document");
	if (number > 0)
		json_object_set_new(request, "revision", json_integer((json_int_t)number));
	reply = call_and_check(f, request, &exit_code);
	if (reply != NULL)
		fputs(reply_text(reply, "document"), stdout);
	json_decref(reply);
	return exit_code;
}
