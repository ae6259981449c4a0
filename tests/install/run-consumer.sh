# tests/install/run-consumer.sh - read by the consumer scripts: runs a program, compares its line.
#
# SPDX-License-Identifier: MIT
run_consumer()
{
    said=$("$@")
    want="roost $version: 25"
    if [ "$said" != "$want" ]; then
        echo "consumer: wanted '$want', got '$said'"
        exit 1
    fi
    echo "consumer: $said"
}
version=$(sed -n 's/^#define ROOST_VERSION_STRING "\(.*\)"/\1/p' "$source/include/roost/config.h")
