##title=Name what a listing of this folder is made of
##parameters=
# A page that lists a folder shows its children, so it changes when one of
# them is edited (the newest modification), comes or goes (the folder's own
# modification and the number). Any of the three alone would miss something.
children = context.objectValues()
newest = max([child.modified().timeTime() for child in children] or [0])
return '%s-%d-%s' % (context.modified().timeTime(), len(children), newest)
