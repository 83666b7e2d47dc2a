##title=Count the subjects of some catalog records
##parameters=pages
count = {}
for page in pages:
    for subject in page.Subject:
        count[subject] = count.get(subject, 0) + 1
names = list(count)
names.sort()
return [(name, count[name]) for name in names]
