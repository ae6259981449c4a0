module roost-bench-peer

go 1.22
