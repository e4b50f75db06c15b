// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/cert.h"

#include <string.h>

int cert_run(const struct fedctl *f, int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "request") == 0)
		return cert_request_run(f, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "show") == 0)
		return cert_show_run(f, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "partners") == 0)
		return cert_partners_run(f, argc - 1, argv + 1);
	return usage_error("cert needs `request`, `show` or `partners`");
}
