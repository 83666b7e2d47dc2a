##title=Return a stamp of all that a listing of this folder shows
##parameters=
# A listing shows the children of a folder. An edit of one changes the newest
# modification; adding or removing one changes the folder's own modification
# and the number. None of the three is enough alone.
children = context.objectValues()
newest = max([child.modified().timeTime() for child in children] or [0])
return '%s-%d-%s' % (context.modified().timeTime(), len(children), newest)
