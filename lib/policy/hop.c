// SPDX-License-Identifier: BSD-3-Clause

#include "lib/policy/hop.h"

// Keep these keys apart from each other and from other uses of the relay's key.
static const char low_label[] = "named hop, low half", high_label[] = "named hop, high half";

static void begin(struct siphash *h, const struct siphash_key *relay_key, struct view label)
{
	struct siphash_key key;

	siphash_init(h, relay_key);
	siphash_add_part(h, label);
	key.k0 = siphash_end(h);
	siphash_init(h, relay_key);
	siphash_add(h, &key.k0, sizeof(key.k0));
	siphash_add_part(h, label);
	key.k1 = siphash_end(h);
	siphash_init(h, &key);
}

void hop_keys_init(struct hop_keys *keys, const struct siphash_key *relay_key)
{
	begin(&keys->low, relay_key, view_string(low_label));
	begin(&keys->high, relay_key, view_string(high_label));
}

static void put_half(
	uint8_t out[8], const struct siphash *begun, enum hop_kind kind, struct view name)
{
	const uint64_t head = (uint64_t)kind << 32 | name.len;
	struct siphash h = *begun;
	uint64_t half;

	siphash_add(&h, &head, sizeof(head));
	siphash_add_padded(&h, name);
	half = siphash_end(&h);
	memcpy(out, &half, sizeof(half));
}

struct ip_addr hop_key(const struct hop_keys *keys, enum hop_kind kind, struct view name)
{
	struct ip_addr ip = {.family = IP_NAMED};

	put_half(ip.bytes, &keys->low, kind, name);
	put_half(ip.bytes + 8, &keys->high, kind, name);
	return ip;
}
