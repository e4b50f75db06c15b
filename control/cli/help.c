// SPDX-License-Identifier: BSD-3-Clause

#include "control/cli/fedctl.h"
#include "control/policy/document_keys.h"
#include "lib/yaml/scalar.h"

#include <stdio.h>

#define KEY_COLUMNS 18

static void print_keys(const struct schema_key *keys, int indent)
{
	for (const struct schema_key *k = keys; k->name != NULL; k++) {
		char what[SCALAR_WHAT_BYTES] = "";

		if (k->type != SCHEMA_MAP)
			scalar_what(k, what);
		printf("%*s%-*s%c %s%s\n", indent, "", KEY_COLUMNS - indent, k->name,
			k->required ? '*' : ' ',
			!k->list                        ? ""
				: k->type != SCHEMA_MAP ? "a list, each entry "
							: "a list, each entry with",
			what);
		if (k->type == SCHEMA_MAP)
			print_keys(k->keys, indent + 2);
	}
}

void help_document(void)
{
	puts("keys of a federation document, in YAML; * marks what is required\n");
	print_keys(document_keys, 2);
	puts("\nAn entry of allow or block has one of domain, file and pattern.");
}
