// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/names.h"

#include "lib/policy/domain.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool tls_names_init(struct tls_names *names, const char *const at[], size_t n)
{
	*names = (struct tls_names){.at = calloc(n + 1, sizeof(char *))};
	for (; names->at != NULL && names->n < n; names->n++) {
		names->at[names->n] = strdup(at[names->n]);
		if (names->at[names->n] == NULL)
			return false;
	}
	if (names->at == NULL)
		return false;
	qsort(names->at, n, sizeof(char *), compare);
	return true;
}

void tls_names_fini(struct tls_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->at[i]);
	free(names->at);
	*names = (struct tls_names){0};
}

bool tls_names_have(const struct tls_names *names, struct view name)
{
	struct domain domain;
	const char *canonical;

	// Zero bytes follow a canonical name.
	if (names->n == 0 || domain_canonical(name, &domain) < 0)
		return false;
	canonical = (const char *)domain.text;
	return bsearch(&canonical, names->at, names->n, sizeof(char *), compare) != NULL;
}
