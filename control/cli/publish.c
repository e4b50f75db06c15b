// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/errors_json.h"
#include "control/cli/bundle.h"
#include "control/cli/call.h"
#include "control/cli/fedctl.h"
#include "control/cli/print.h"
#include "control/cli/reply.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

struct publish {
	const char *file, *comment;
	bool no_wait, dry_run;
};

static bool parse(struct publish *p, int argc, char *argv[])
{
	static const struct option rows[] = {
		{"comment", required_argument, NULL, 'c'},
		{"dry-run", no_argument, NULL, 'd'},
		{"no-wait", no_argument, NULL, 'n'},
		{"wait", no_argument, NULL, 'w'}, // what it does anyway, for those who say it
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", rows, NULL)) != -1) {
		if (option == 'c')
			p->comment = optarg;
		else if (option == 'd')
			p->dry_run = true;
		else if (option == 'n')
			p->no_wait = true;
		else if (option != 'w')
			return false;
	}
	p->file = optind + 1 == argc ? argv[optind] : NULL;
	return p->file != NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static void print_times(const json_t *reply, const struct publish *p)
{
	const json_t *ns = json_object_get(reply, "ns");

	printf("  compiled in %s", cell_duration(reply_number(ns, "compile")).text);
	if (!p->dry_run)
		printf(", stored in %s", cell_duration(reply_number(ns, "store")).text);
	if (reply_number(ns, "offer") > 0)
		printf(", taken in %s", cell_duration(reply_number(ns, "offer")).text);
	if (reply_number(ns, "proof") > 0)
		printf(", proved by every worker in %s",
			cell_duration(reply_number(ns, "proof")).text);
	puts("");
}

static void print_done(const json_t *reply, const struct publish *p)
{
	bool stored = strcmp(reply_text(reply, "outcome"), "stored") == 0;

	if (p->dry_run)
		printf("%s: good, nothing published: ", p->file);
	else
		printf("revision %" PRIu64 " %s: ", reply_number(reply, "generation"),
			stored               ? "stored, not in force yet"
				: p->no_wait ? "taken by the dataplane"
					     : "in force on every worker");
	printf("%s, %s, %s\n", cell_count(reply_number(reply, "names"), "name").text,
		cell_count(reply_number(reply, "patterns"), "pattern").text,
		cell_count(reply_number(reply, "peers"), "peer").text);
	if (stored)
		printf("  %s\n", reply_text(reply, "text"));
	print_times(reply, p);
}

static void print_refused(const json_t *reply)
{
	const json_t *errors = json_object_get(reply, "errors"), *text;
	size_t i;

	for (i = 0; (text = json_array_get(errors, i)) != NULL; i++)
		fprintf(stderr, "%s\n", json_string_value(text));
	if (reply_number(reply, "errors_not_shown") > 0)
		fprintf(stderr, "… and %" PRIu64 " more\n",
			reply_number(reply, "errors_not_shown"));
	fprintf(stderr, "fedctl: %s%s\n", reply_text(reply, "error"),
		strcmp(reply_text(reply, "outcome"), "not_proved") == 0 ? ""
									: "; nothing has changed");
}

static int publish(const struct fedctl *f, const struct publish *p, const struct bundle *b)
{
	json_t *request = json_pack("{s:s, s:s, s:s, s:b, s:b}", "command", "publish", "name",
		base_name(p->file), "comment", p->comment != NULL ? p->comment : "", "wait",
		!p->no_wait, "dry_run", p->dry_run);
	json_t *reply;
	bool ok;

	if (request == NULL)
		return usage_error("the comment is not UTF-8");
	reply = call(f, request, b->fds, b->n_fds);
	if (reply == NULL)
		return FEDCTL_UNREACHABLE;
	ok = reply_is(reply, "ok");
	if (f->json) {
		print_json(reply);
		return ok ? FEDCTL_OK : FEDCTL_FAILED;
	}
	if (ok)
		print_done(reply, p);
	else
		print_refused(reply);
	json_decref(reply);
	return ok ? FEDCTL_OK : FEDCTL_FAILED;
}

int publish_run(const struct fedctl *f, int argc, char *argv[])
{
	struct publish p = {0};
	struct errors errors;
	struct bundle bundle;
	int exit_code;

	if (!parse(&p, argc, argv))
		return usage_error("publish needs the name of one document");
	errors_init(&errors, p.file);
	if (bundle_open(&bundle, p.file, &errors) < 0) {
		if (f->json)
			print_json(json_pack("{s:b, s:s, s:o}", "ok", 0, "error",
				"the document has errors", "errors", errors_json(&errors)));
		else
			print_errors(&errors);
		return FEDCTL_FAILED;
	}
	exit_code = publish(f, &p, &bundle);
	bundle_close(&bundle);
	return exit_code;
}
