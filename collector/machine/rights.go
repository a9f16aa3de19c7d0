package machine

// Rights of people.
const (
	MayView    = "view"
	MayOperate = "operate" // close and open gates, give verdicts, silence
	MayApprove = "approve" // effects that wait for a person, and openings that another has asked for
)
