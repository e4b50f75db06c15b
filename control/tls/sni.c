// SPDX-License-Identifier: BSD-3-Clause

#include "control/tls/sni.h"

#include "lib/policy/domain.h"

#include <errno.h>
#include <stdlib.h>

#define N_FIRST 16

struct tls_sni_name {
	char *text; // canonical
	uint32_t certificate;
};

int tls_sni_add(struct tls_sni *s, struct view name, uint32_t certificate)
{
	struct domain domain;
	char *text;

	if (domain_canonical(name, &domain) < 0)
		return -EINVAL;
	if (s->n == s->n_max) {
		size_t n_max = s->n_max > 0 ? 2 * s->n_max : N_FIRST;
		struct tls_sni_name *more = reallocarray(s->names, n_max, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		s->names = more;
		s->n_max = n_max;
	}
	text = strndup((const char *)domain.text, domain.len);
	if (text == NULL)
		return -ENOMEM;
	s->names[s->n++] = (struct tls_sni_name){text, certificate};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct tls_sni_name *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order != 0 ? order
			  : (x->certificate > y->certificate) - (x->certificate < y->certificate);
}

void tls_sni_sort(struct tls_sni *s)
{
	if (s->n > 0)
		qsort(s->names, s->n, sizeof(*s->names), compare);
}

bool tls_sni_find(const struct tls_sni *s, struct view name, uint32_t *certificate)
{
	size_t first = 0, last = s->n;
	struct domain domain;
	const char *text = (const char *)domain.text;

	// Zeros follow the name.
	if (domain_canonical(name, &domain) < 0)
		return false;
	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (strcmp(s->names[middle].text, text) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	if (first == s->n || strcmp(s->names[first].text, text) != 0)
		return false;
	*certificate = s->names[first].certificate;
	return true;
}

void tls_sni_fini(struct tls_sni *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->names[i].text);
	free(s->names);
}
