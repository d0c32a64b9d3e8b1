namespace MailGrains.Deployment;

/// <summary>Whether Azure will let the sending address stand for a name: it refuses one that does not lead to the address, and with it the deployment.</summary>
public static class PointerCheck
{
    /// <param name="name">The one that is wanted; null: Azure's own, which always leads there.</param>
    /// <param name="address">The sending address; null: it is not there yet, or not known.</param>
    /// <param name="leadsTo">Where the name leads to; null: it could not be resolved.</param>
    public static Finding? Judge(string? name, string? address, IReadOnlyList<string>? leadsTo) => (name, address, leadsTo) switch
    {
        (null, _, _) => null,
        (_, null, _) => new Finding(
            Weight.Warning,
            $"MAILGRAINS_EGRESS_PTR is {name}, and which address mail leaves from is not known yet: Azure refuses a name without an A record that leads there. Set it after the first `azd up`, which tells the address."),
        (_, _, null or []) => new Finding(
            Weight.Warning, $"{name} could not be resolved from here. Azure refuses it as MAILGRAINS_EGRESS_PTR unless its A record leads to {address}."),
        _ when !leadsTo.Contains(address) => new Finding(
            Weight.Failure,
            $"{name} leads to {string.Join(", ", leadsTo)}, and mail leaves from {address}: Azure refuses it as MAILGRAINS_EGRESS_PTR. Mend its A record, or unset the variable."),
        _ => new Finding(Weight.Good, $"{name} leads to {address}, from which mail leaves."),
    };
}
