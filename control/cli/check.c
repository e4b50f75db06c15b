// SPDX-License-Identifier: BSD-3-Clause

#include "control/api/errors_json.h"
#include "control/cli/bundle.h"
#include "control/cli/fedctl.h"
#include "control/cli/print.h"
#include "control/policy/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int compile_bundle(const struct bundle *b, struct image_info *info, struct errors *errors)
{
	// Generation and key are control's; neither decides whether a document is right.
	const struct intake in = {.fds = b->fds, .n_fds = b->n_fds, .generation = 1};
	struct compiled compiled;
	struct view text;
	int error = intake_compile(&in, &compiled, &text, errors);

	if (error == -ENOMEM)
		errors_add(errors, 0, "out of memory");
	if (error < 0)
		return error;
	*info = compiled.info;
	compiled_close(&compiled);
	file_free(&text);
	return 0;
}

int check_run(const struct fedctl *f, int argc, char *argv[])
{
	struct image_info info = {0};
	struct errors errors;
	struct bundle bundle;
	int error;

	if (argc != 2 || argv[1][0] == '-')
		return usage_error("check needs the name of one document");
	errors_init(&errors, argv[1]);
	error = bundle_open(&bundle, argv[1], &errors);
	if (error == 0) {
		error = compile_bundle(&bundle, &info, &errors);
		bundle_close(&bundle);
	}
	if (f->json)
		print_json(json_pack("{s:b, s:o, s:i, s:i, s:i, s:i}", "ok", error == 0, "errors",
			errors_json(&errors), "errors_not_shown", (int)errors.n_dropped, "names",
			(int)info.n_names, "patterns", (int)info.n_patterns, "peers",
			(int)info.n_peers));
	else if (error == 0)
		printf("%s: good: %s, %s, %s\n", argv[1], cell_count(info.n_names, "name").text,
			cell_count(info.n_patterns, "pattern").text,
			cell_count(info.n_peers, "peer").text);
	else
		print_errors(&errors);
	return error == 0 ? FEDCTL_OK : FEDCTL_FAILED;
}
