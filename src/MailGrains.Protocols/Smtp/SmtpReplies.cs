namespace MailGrains.Protocols.Smtp;

// The well-known replies: number and meaning in the name, one place for the wording.
public sealed partial class SmtpReply
{
    /// <summary>RFC 5321 §4.3.2 DATA: go ahead.</summary>
    public static readonly SmtpReply StartMailInput354 = new(354, EnhancedCode.None, "Start mail input; end with <CRLF>.<CRLF>");

    public static readonly SmtpReply ReadyForTls220 = new(220, new(0, 0), "Ready to start TLS");
    public static readonly SmtpReply Authenticated235 = new(235, new(7, 0), "Authentication succeeded");

    public static readonly SmtpReply Ok250 = new(250, new(0, 0), "OK");
    public static readonly SmtpReply SenderOk250 = new(250, new(1, 0), "Sender OK");

    /// <summary>RFC 6710: the new priority comes first in the text.</summary>
    public static readonly SmtpReply PriorityLowered250 = new(250, new(3, 6), "0 is the priority of this message");

    public static readonly SmtpReply RecipientOk250 = new(250, new(1, 5), "Recipient OK");
    public static readonly SmtpReply Bye221 = new(221, new(0, 0), "Bye");
    public static readonly SmtpReply CannotVerify252 = new(252, new(5, 0), "Cannot VRFY user, but will accept message and attempt delivery");

    public static readonly SmtpReply ShuttingDown421 = new(421, new(3, 2), "Service shutting down, closing transmission channel");
    public static readonly SmtpReply TooSlow421 = new(421, new(4, 2), "Timeout, closing transmission channel");
    public static readonly SmtpReply TooManyErrors421 = new(421, new(7, 0), "Too many errors, closing transmission channel");
    public static readonly SmtpReply NotSmtp421 = new(421, new(7, 0), "This is no web server, closing transmission channel");

    public static readonly SmtpReply TooManyFailedLogins421 = new(421, new(7, 0), "Too many failed logins, closing transmission channel");

    public static readonly SmtpReply LocalError451 = new(451, new(3, 0), "Local error in processing, try again later");
    public static readonly SmtpReply MailboxFull452 = new(452, new(2, 2), "Mailbox full");
    public static readonly SmtpReply SystemFull452 = new(452, new(3, 1), "Insufficient system storage");
    public static readonly SmtpReply TooManyRecipients452 = new(452, new(5, 3), "Too many recipients in one transaction");

    /// <summary>RFC 4954 §4: the login could not be checked now.</summary>
    public static readonly SmtpReply LoginUnavailable454 = new(454, new(7, 0), "Temporary authentication failure");

    public static readonly SmtpReply UnknownCommand500 = new(500, new(5, 2), "Command not recognized");
    public static readonly SmtpReply LineTooLong500 = new(500, new(5, 2), "Line too long");
    public static readonly SmtpReply BadLineEnd500 = new(500, new(5, 2), "Lines end in CRLF and hold no CR, LF or NUL");
    /// <summary>RFC 4954 §6.</summary>
    public static readonly SmtpReply AuthLineTooLong500 = new(500, new(5, 6), "Authentication exchange line is too long");

    public static readonly SmtpReply SyntaxError501 = new(501, new(5, 4), "Syntax error in parameters or arguments");
    public static readonly SmtpReply HoldOutOfRange501 = new(501, new(5, 4), "The time to hold the message until has passed or is too far off");
    public static readonly SmtpReply HoldBeyondDeadline501 = new(501, new(5, 4), "The message is to be delivered by a time until which it is to be held");
    public static readonly SmtpReply BadChunk501 = new(501, new(5, 4), "Syntax error in BDAT, closing transmission channel");
    public static readonly SmtpReply BadSenderSyntax501 = new(501, new(1, 7), "Bad sender address syntax");
    public static readonly SmtpReply BadRecipientSyntax501 = new(501, new(1, 3), "Bad recipient address syntax");
    public static readonly SmtpReply MalformedResponse501 = new(501, new(5, 2), "Cannot decode the authentication response");
    public static readonly SmtpReply AuthCancelled501 = new(501, new(7, 0), "Authentication cancelled");
    public static readonly SmtpReply NotImplemented502 = new(502, new(5, 1), "Command not implemented");
    public static readonly SmtpReply BadSequence503 = new(503, new(5, 1), "Bad sequence of commands");
    public static readonly SmtpReply HelloFirst503 = new(503, new(5, 1), "Send EHLO or HELO first");
    public static readonly SmtpReply NestedMail503 = new(503, new(5, 1), "A mail transaction is open already");
    public static readonly SmtpReply MailFirst503 = new(503, new(5, 1), "Send MAIL first");

    public static readonly SmtpReply TlsActive503 = new(503, new(5, 1), "TLS is active already");
    public static readonly SmtpReply Authenticated503 = new(503, new(5, 1), "Already authenticated");
    public static readonly SmtpReply BinaryNeedsChunks503 = new(503, new(5, 1), "BINARYMIME needs BDAT");
    public static readonly SmtpReply UnknownMechanism504 = new(504, new(5, 4), "Authentication mechanism not offered");

    /// <summary>RFC 4954 §6, RFC 6409 §4.3.</summary>
    public static readonly SmtpReply LoginRequired530 = new(530, new(7, 0), "Authentication required");

    public static readonly SmtpReply EncryptionRequired530 = new(530, new(7, 0), "Send STARTTLS first");

    /// <summary>RFC 8689: where TLS is not yet, it is not offered.</summary>
    public static readonly SmtpReply RequireTlsNeedsTls530 = new(530, new(7, 10), "REQUIRETLS is for encrypted connections: send STARTTLS first");

    public static readonly SmtpReply BadCredentials535 = new(535, new(7, 8), "Authentication credentials invalid");
    public static readonly SmtpReply AccountDisabled525 = new(525, new(7, 13), "This account may not send mail now");
    public static readonly SmtpReply EncryptionRequired538 = new(538, new(7, 11), "Authentication needs TLS: send STARTTLS first");

    public static readonly SmtpReply NoSuchMailbox550 = new(550, new(1, 1), "No such mailbox");
    public static readonly SmtpReply RelayDenied550 = new(550, new(7, 1), "Relaying denied");
    public static readonly SmtpReply DeliverByTooShort550 = new(550, new(4, 7), "The message can't be promised to be delivered by then");
    public static readonly SmtpReply NulOctet550 = new(550, new(6, 0), "Message holds a NUL octet");
    public static readonly SmtpReply TextLineTooLong550 = new(550, new(6, 0), "Message holds a line that is too long");

    /// <summary>A bare CR or LF (RFC 5321 §2.3.8); 5.6.11 is not registered, but is what senders know from Exchange for this fault.</summary>
    public static readonly SmtpReply BareLineEnd550 = new(550, new(6, 11), "Message holds a bare CR or LF; lines end in CRLF");

    public static readonly SmtpReply MessageTooLarge552 = new(552, new(3, 4), "Message size exceeds the limit");
    public static readonly SmtpReply HeaderTooLarge552 = new(552, new(3, 4), "Message header section exceeds the limit");

    /// <summary>RFC 6531 §3.5.</summary>
    public static readonly SmtpReply NeedsSmtpUtf8553 = new(553, new(6, 7), "A non-ASCII address needs SMTPUTF8");

    /// <summary>RFC 5321 §3.3: DATA after every recipient was refused.</summary>
    public static readonly SmtpReply NoValidRecipients554 = new(554, new(5, 1), "No valid recipients");

    /// <summary>RFC 5321 §3.1: in place of a greeting.</summary>
    public static readonly SmtpReply EarlyTalker554 = new(554, new(5, 1), "You spoke before you were greeted, closing transmission channel");

    public static readonly SmtpReply UnknownParameter555 = new(555, new(5, 4), "Parameter not recognized or not implemented");
}
