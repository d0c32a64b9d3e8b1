namespace MailGrains.Protocols.Smtp;

/// <summary>What a client has done wrong in a session, and what it may still do.</summary>
internal sealed class ErrorBudget(SmtpServerOptions options)
{
    // A tarpit's first refusals are free, and its delay grows no more after so many steps.
    private const int FreeRefusals = 3;
    private const int MostSteps = 8;

    private int _errors;
    private int _junkCommands;
    private int _failedLogins;

    /// <summary>Commands that were refused for good, in the whole session.</summary>
    public int Refusals { get; private set; }

    /// <summary>The last refusal, temporary ones and 421 included.</summary>
    public SmtpReply? LastRefusal { get; private set; }

    public bool IsSpent => _errors >= options.MaxErrors;

    /// <summary>How long the next refusal is held back.</summary>
    public TimeSpan Tarpit => options.TarpitDelay * Math.Clamp(_errors + 1 - FreeRefusals, 0, MostSteps);

    public void Answered(SmtpReply reply)
    {
        if (!reply.IsPositive)
        {
            LastRefusal = reply;
        }

        if (reply.IsPermanentFailure)
        {
            Refusals++;
            _errors++;
        }
    }

    /// <summary>The client did something that moves little or nothing on.</summary>
    public void CountJunk()
    {
        if (++_junkCommands > options.MaxJunkCommands)
        {
            _errors++;
        }
    }

    /// <summary>False: that was one too many.</summary>
    public bool CountFailedLogin() => ++_failedLogins < options.MaxFailedLogins;

    public void ForgiveLogins() => _failedLogins = 0;

    /// <summary>A message was accepted: what went before is forgotten.</summary>
    public void Forgive()
    {
        _errors = 0;
        _junkCommands = 0;
    }
}
