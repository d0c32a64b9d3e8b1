namespace MailGrains.Grains.Directory;

/// <summary>
/// Lets an activation that has nothing to keep go soon after its last question, so that trying names fills no memory. Not at once: under
/// many calls a grain that goes after each of them makes Orleans give up forwarding.
/// </summary>
internal sealed class BriefStay(IGrainBase grain)
{
    private static readonly TimeSpan Stay = TimeSpan.FromSeconds(3);

    private IGrainTimer? _timer;

    /// <summary>Nothing is kept: stay for a moment from now.</summary>
    public void Renew()
    {
        if (_timer is null)
        {
            _timer = grain.RegisterGrainTimer(
                static (owner, _) =>
                {
                    owner.DeactivateOnIdle();
                    return Task.CompletedTask;
                },
                grain,
                new GrainTimerCreationOptions(Stay, Timeout.InfiniteTimeSpan));
        }
        else
        {
            _timer.Change(Stay, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>There is something to keep.</summary>
    public void End()
    {
        _timer?.Dispose();
        _timer = null;
    }
}
