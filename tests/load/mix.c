// SPDX-License-Identifier: BSD-3-Clause

#include "tests/load/mix.h"

#include <errno.h>
#include <string.h>

// i: typing, m: IM, s: SUBSCRIBE, d: document. Fifteen IMs, ten log-ons with their documents and
// eight other documents, spread as evenly as they go.
static const char cycle[] = "iimsd"
			    "iimd"
			    "iimsd"
			    "iimsdd"
			    "iimd"
			    "iimsd"
			    "iimsdd"
			    "iimd"
			    "iimsd"
			    "iimsd"
			    "iimd"
			    "iimsd"
			    "iimsdd"
			    "iimd"
			    "iimsd";
_Static_assert(sizeof(cycle) - 1 == MIX_CYCLE, "a quarter of a user's day");

// Equally likely; their mean is 4 KB, most are far shorter.
static const uint16_t document_bytes[] = {2100, 900, 3300, 1600, MIX_DOCUMENT_BYTES_MAX, 600, 2700,
	4900, 1200, 3700, 1900, 6036, 1400, 2400, 4200, 3000};
#define N_DOCUMENT_BYTES (sizeof(document_bytes) / sizeof(document_bytes[0]))

void mix_init(struct mix *m, enum mix_name name, uint32_t document_bytes_max)
{
	uint8_t n_documents = 0;

	*m = (struct mix){.name = name, .document_bytes_max = document_bytes_max};
	for (unsigned i = 0; i < MIX_CYCLE; i++) {
		m->n_documents_before[i] = n_documents;
		n_documents += cycle[i] == 'd';
	}
}

static struct mix_request federation_at(const struct mix *m, uint64_t number)
{
	static const uint8_t n_documents = 18; // in the cycle
	unsigned at = (unsigned)(number % MIX_CYCLE);
	uint64_t n_before = number / MIX_CYCLE * n_documents + m->n_documents_before[at];
	struct mix_request r = {.conversation = number / 3};

	switch (cycle[at]) {
	case 'i':
		r.kind = MIX_TYPING;
		break;
	case 'm':
		r.kind = MIX_IM;
		break;
	case 's':
		r.kind = MIX_SUBSCRIBE;
		break;
	default:
		r.kind = MIX_DOCUMENT;
		r.document_bytes = document_bytes[n_before % N_DOCUMENT_BYTES];
	}
	if (r.document_bytes > m->document_bytes_max)
		r.document_bytes = m->document_bytes_max;
	return r;
}

struct mix_request mix_at(const struct mix *m, uint64_t number)
{
	if (m->name == MIX_FEDERATION)
		return federation_at(m, number);
	if (m->name == MIX_IMS)
		return (struct mix_request){
			.kind = number % 3 == 2 ? MIX_IM : MIX_TYPING, .conversation = number / 3};
	return (struct mix_request){.kind = MIX_IM, .conversation = number};
}

double mix_users(const struct mix *m, double rate)
{
	return m->name == MIX_FEDERATION ? rate * MIX_DAY_SECONDS / (MIX_CYCLE * MIX_CYCLES_A_USER)
					 : 0;
}

static const char *const names[MIX_N] = {"message", "ims", "federation"};

int mix_find(const char *text, enum mix_name *out)
{
	for (unsigned i = 0; i < MIX_N; i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum mix_name)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *mix_text(enum mix_name name)
{
	return names[name];
}
