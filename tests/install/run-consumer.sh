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
# run_consumer_test PROGRAM...: a test program on roost::testing
run_consumer_test()
{
    said=$("$@" --backend sim | tail -n 1)
    if [ "$said" != "1 passed, 0 failed, 0 skipped" ]; then
        echo "consumer: its test ends with '$said'"
        exit 1
    fi
}
version=$(sed -n 's/^#define ROOST_VERSION_STRING "\(.*\)"/\1/p' "$source/include/roost/config.h")
