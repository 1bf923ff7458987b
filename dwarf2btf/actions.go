package dwarf2btf

// action says what the walk does with a DIE.
type action uint8

const (
	actSkip action = iota // look only at the children
	actMember
	actParameter
	actVarargs
	actEnumerator
	actPointer
	actModifier
	actTypedef
	actComposite
	actEnum
	actArray
	actSubrange
	actProto
	actBase
	actSubprogram
	actVariable
	actAlias
	actUnspecified
	actReference
	actOpaque
	actAnnotation
)

// isPart reports whether a DIE is part of the struct, union or enum that it is in.
func (a action) isPart() bool { return a == actMember || a == actEnumerator || a == actAnnotation }

// actionOf returns the action for a tag.
func actionOf(tag uint16) action {
	switch tag {
	case tagMember, tagInheritance:
		return actMember
	case tagFormalParameter:
		return actParameter
	case tagUnspecifiedParameters:
		return actVarargs
	case tagEnumerator:
		return actEnumerator
	case tagPointerType:
		return actPointer
	case tagConstType, tagVolatileType, tagRestrictType:
		return actModifier
	case tagTypedef, tagTemplateAlias:
		return actTypedef
	case tagStructureType, tagClassType, tagInterfaceType, tagUnionType:
		return actComposite
	case tagEnumerationType:
		return actEnum
	case tagArrayType:
		return actArray
	case tagSubrangeType:
		return actSubrange
	case tagSubroutineType:
		return actProto
	case tagBaseType:
		return actBase
	case tagSubprogram:
		return actSubprogram
	case tagVariable:
		return actVariable
	case tagAtomicType, tagPackedType, tagSharedType, tagImmutableType, tagThrownType:
		return actAlias
	case tagUnspecifiedType:
		return actUnspecified
	case tagReferenceType, tagRvalueReferenceType:
		return actReference
	case tagPtrToMemberType, tagStringType, tagSetType, tagFileType, tagCoarrayType, tagDynamicType:
		return actOpaque
	case tagLLVMAnnotation:
		return actAnnotation
	}
	return actSkip
}
