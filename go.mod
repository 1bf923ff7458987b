module mkbtf

go 1.26
