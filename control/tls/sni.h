// SPDX-License-Identifier: BSD-3-Clause
// Which of our certificates answers for a name that a client asks for. Part of a context.

#pragma once

#include "lib/base/view.h"

struct tls_sni_name;

struct tls_sni {
	struct tls_sni_name *names; // in order, after tls_sni_sort()
	size_t n, n_max;
};

// name: in any spelling. 0; -EINVAL it is no domain; -ENOMEM.
int tls_sni_add(struct tls_sni *s, struct view name, uint32_t certificate);
// After the last name: where several certificates have one, the lowest answers.
void tls_sni_sort(struct tls_sni *s);
// False: none of them.
bool tls_sni_find(const struct tls_sni *s, struct view name, uint32_t *certificate);
void tls_sni_fini(struct tls_sni *s);
