// A C++ unit in a module of C units: references, classes, templates, namespaces
// and overloads have no place in BTF, and must not cost the C units theirs.
#include "fixture.h"

namespace space {
class Base {
public:
	virtual int run(int &v) = 0;
	int visible;

protected:
	static int counted;
};
class Derived : public Base {
public:
	int run(int &v) override;
	int Base::*member;
};
int Base::counted;
int Derived::run(int &v) { return v += visible; }
template <typename T, int N> struct Box {
	T items[N];
	T &&take();
};
template struct Box<int, 3>;
} // namespace space

// The same name as in unit_a.c, with another layout.
struct item {
	char cxx[12];
};

int overloaded(int v) { return v; }
int overloaded(long v) { return static_cast<int>(v); }
extern "C" int cxx_entry(struct item *i, space::Box<int, 3> &b) { return i->cxx[0] + b.items[1]; }
extern "C" void __cxa_pure_virtual() {}
