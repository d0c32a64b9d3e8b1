namespace MailGrains.Deployment;

/// <summary>
/// The parts of Azure that a subscription has to know before something of theirs can be made in it. A deployment makes those known that its template names,
/// and not what these need themselves: a cluster's nodes are machines of Microsoft.Compute.
/// </summary>
/// <param name="subscription">Whose providers.</param>
/// <param name="time">For waits.</param>
/// <param name="report">Gets a line for what is done, and before each wait.</param>
public sealed class ResourceProviders(Subscription subscription, TimeProvider time, Action<string> report)
{
    /// <summary>A registration takes some minutes.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private const string Registered = "Registered";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    /// <summary>Those of the template's resources, and Microsoft.Compute. Every subscription has Microsoft.Resources and Microsoft.Authorization.</summary>
    public static IReadOnlyList<string> Needed { get; } =
    [
        "Microsoft.Compute", "Microsoft.ContainerRegistry", "Microsoft.ContainerService", "Microsoft.Insights", "Microsoft.KeyVault",
        "Microsoft.ManagedIdentity", "Microsoft.Network", "Microsoft.OperationalInsights", "Microsoft.Storage",
    ];

    /// <summary>Registers those that are missing, and waits for them.</summary>
    /// <returns>Null: Azure did not tell of all.</returns>
    public async Task<Finding?> EnsureAsync(CancellationToken cancellationToken)
    {
        List<string> refused = [];
        List<string> waiting = [];
        var told = true;
        foreach (var name in Needed)
        {
            var state = await subscription.ProviderStateAsync(name, cancellationToken);
            if (state is null or Registered)
            {
                told &= state is not null;
                continue;
            }

            var asked = state == "Registering" || await subscription.RegisterAsync(name, cancellationToken);
            (asked ? waiting : refused).Add(name);
        }

        return refused.Count > 0
            ? new Finding(
                Weight.Failure,
                $"This login may not register {string.Join(", ", refused)} for the subscription. Who administers it has to, once: " +
                string.Join("; ", refused.Select(name => $"`az provider register --namespace {name} --wait`")) + ".")
            : waiting.Count > 0
                ? await WaitAsync(waiting, cancellationToken)
                : told ? new Finding(Weight.Good, "The subscription knows the resource providers that are needed.") : null;
    }

    private async Task<Finding> WaitAsync(List<string> waiting, CancellationToken cancellationToken)
    {
        var names = string.Join(", ", waiting);
        report($"{names}: registered for the subscription, which takes some minutes.");
        var until = time.GetUtcNow() + Patience;
        while (true)
        {
            List<string> left = [];
            foreach (var name in waiting)
            {
                if (await subscription.ProviderStateAsync(name, cancellationToken) != Registered)
                {
                    left.Add(name);
                }
            }

            if (left.Count == 0)
            {
                return new Finding(Weight.Good, $"{names}: registered for the subscription just now.");
            }

            if (time.GetUtcNow() + Pause > until)
            {
                return new Finding(
                    Weight.Failure, $"{string.Join(", ", left)}: not registered after {Patience.TotalMinutes:0} minutes. Run `azd up` again in a while.");
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }
}
