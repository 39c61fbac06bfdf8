"""Help within the program: keys, first steps, what each panel is, versions and licences."""
