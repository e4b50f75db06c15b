// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/patterns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int explain(
	hs_error_t result, const hs_compile_error_t *compile_error, struct patterns_error *error)
{
	error->index = UINT32_MAX;
	if (result == HS_NOMEM)
		return -ENOMEM;
	if (compile_error == NULL) {
		snprintf(error->text, sizeof(error->text), "Hyperscan error %d", result);
		return -EINVAL;
	}
	if (compile_error->expression >= 0)
		error->index = (uint32_t)compile_error->expression;
	snprintf(error->text, sizeof(error->text), "%s", compile_error->message);
	return -EINVAL;
}

int patterns_compile_texts(const char *const expressions[], const unsigned flags[], unsigned n,
	hs_database_t **database, struct patterns_error *error)
{
	hs_compile_error_t *compile_error = NULL;
	unsigned *ids = calloc(n, sizeof(*ids));
	hs_error_t result;
	int rc = 0;

	*database = NULL;
	error->index = UINT32_MAX;
	error->text[0] = '\0';
	if (ids == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		ids[i] = i;
	result = hs_compile_multi(
		expressions, flags, ids, n, HS_MODE_BLOCK, NULL, database, &compile_error);
	if (result != HS_SUCCESS)
		rc = explain(result, compile_error, error);
	hs_free_compile_error(compile_error);
	free(ids);
	return rc;
}

int patterns_compile(
	const struct image *image, hs_database_t **database, struct patterns_error *error)
{
	uint32_t n = image_info(image)->n_patterns;
	const char **expressions;
	unsigned *flags;
	int rc = -ENOMEM;

	*database = NULL;
	error->index = UINT32_MAX;
	error->text[0] = '\0';
	if (n == 0)
		return 0;
	expressions = calloc(n, sizeof(*expressions));
	flags = calloc(n, sizeof(*flags));
	if (expressions == NULL || flags == NULL)
		goto out;
	for (uint32_t i = 0; i < n; i++) {
		struct image_pattern pattern = image_pattern_at(image, i);

		expressions[i] = (const char *)pattern.expression.at;
		flags[i] = pattern.flags;
	}
	rc = patterns_compile_texts(expressions, flags, n, database, error);
out:
	free(expressions);
	free(flags);
	return rc;
}
